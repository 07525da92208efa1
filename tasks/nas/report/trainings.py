"""How the networks of a run were trained, for the settings of its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.nas.manifests import TrainTask


def training_settings(tasks: Sequence[TrainTask]) -> dict[str, Any]:
    """Settings of each group's trainings; where trainings differ, all values stand there."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for task in tasks:
        images = {"image_px": task.image_px, "num_images": task.num_images or "all"}
        found.setdefault(task.group, []).append({**task.recipe, **images, "seed": task.seed})
    return {group: joined(settings) for group, settings in found.items()}


def joined(settings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Put settings of several trainings together: each name once, with its values in order."""
    values: dict[str, dict[str, None]] = {}
    for each in settings:
        for name, value in each.items():
            values.setdefault(name, {})[str(value)] = None
    return {name: ", ".join(found) for name, found in values.items()}
