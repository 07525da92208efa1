"""Packages of models, and their answers to a test, as `tasks.core.models` wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.models import ModelPackage


def package_in(folder: Path, **given: Any) -> ModelPackage:
    """A package whose files lie, or are to lie, in a folder; what is given is otherwise."""
    usual: dict[str, Any] = {
        "name": "cells",
        "bundle": folder / "bundle",
        "metrics": {"accuracy": 0.5, "loss": 1.0},
        "metric": "accuracy",
        "test_key": "test",
        "answers": folder / "answers.npz",
    }
    return ModelPackage(**usual | given)


def write_answers(path: Path, is_right: Sequence[bool], first_item: int = 0) -> Path:
    """Write answers to as many items, which are numbered from the first one."""
    item = np.zeros((len(is_right), 32), np.uint8)
    item[:, -1] = np.arange(first_item, first_item + len(is_right))
    np.savez(path, item=item, is_right=np.array(is_right))
    return path


def right_on(*ranges: range, num: int = 100) -> list[bool]:
    """Answers that are right on some of so many items."""
    right = {number for each in ranges for number in each}
    return [number in right for number in range(num)]
