"""Packages of networks: what they must say, and what makes two of them the same."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tasks.core.models import ModelPackage
from tests.support.kernel.model_packages import package_in


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    for name in ("model.pt2", "inputs.npz", "outputs.npz", "answers.npz", "genotype.json"):
        (tmp_path / name).write_text(name)
    return package_in(tmp_path, files={"genotype.json": tmp_path / "genotype.json"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "it's"}, r"expected a model's name of .* got \"it's\""),
        ({"name": ""}, "expected a model's name"),
        ({"metric": "recall"}, r"expected the metric 'recall' .* got \['accuracy', 'loss'\]"),
        ({"metrics": {"accuracy": 0.5, "loss": math.nan}}, r"finite .* others for \['loss'\]"),
    ],
)
def test_what_does_not_fit_is_named(
    package: ModelPackage, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        replace(package, **changes)


def test_golden_files_and_answers_are_kept_with_the_others(package: ModelPackage) -> None:
    own = {"golden_inputs.npz", "golden_outputs.npz", "answers.npz"}
    assert set(package.all_files) == {"genotype.json", *own}


def test_the_same_bytes_elsewhere_are_the_same_package(
    package: ModelPackage, tmp_path: Path
) -> None:
    moved = Path(shutil.copyfile(package.model, tmp_path / "moved.pt2"))
    assert replace(package, model=moved).digest == package.digest


@pytest.mark.parametrize(
    "changed", ["model", "golden_inputs", "golden_outputs", "answers", "genotype.json"]
)
def test_other_bytes_are_another_package(package: ModelPackage, changed: str) -> None:
    before = package.digest
    path = package.files.get(changed) or getattr(package, changed)
    path.write_text("other")
    assert package.digest != before


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {"accuracy": 0.6, "loss": 1.0}},
        {"name": "other"},
        {"metric": "loss"},
        {"test_key": "other"},
        {"use": {"classes": ["a"]}},
        {"tags": {"seed": "1"}},
    ],
)
def test_other_figures_or_labels_are_another_package(
    package: ModelPackage, changes: dict[str, Any]
) -> None:
    assert replace(package, **changes).digest != package.digest
