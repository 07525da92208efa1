"""Detectors that are trained: the cells and the baselines as backbones of equal cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.nas.detection.manifests import BoxData, DetectTask
from tasks.nas.training.candidates import Target, beside_baselines, scaled
from tasks.nas.training.groups import FROM_CIFAR, SCRATCH
from tasks.nas.transfer.config import DetectConfig
from tasks.nas.transfer.family import labels
from tasks.nas.transfer.manifests import TransferredNetworks


def detect_tasks(
    found: TransferredNetworks, boxes: BoxData, config: DetectConfig
) -> Iterator[DetectTask | Skipped]:
    """All trainings of detectors, by backbone and seed.

    Args:
        found: The classifiers, whose weights the backbones may begin with.
        boxes: The images.
        config: What to train.

    Yields:
        Trainings; skipped where the classifier that they begin with is missing.

    Raises:
        ConfigError: No width of a backbone costs what is asked, or no such size was trained.
    """
    if config.weights == "none":
        yield from _drawn(found, boxes, config)
    else:
        yield from _begun(found, config)


def _drawn(
    found: TransferredNetworks, boxes: BoxData, config: DetectConfig
) -> Iterator[DetectTask]:
    """Backbones of their own cost, with weights that are drawn."""
    target = Target(
        image_px=boxes.side_px,
        mult_adds=config.mult_adds,
        num_classes=len(boxes.classes),
        stem=config.stem,
        num_cells=config.num_cells,
    )
    label_of = labels(found.cells)
    for name, cells in beside_baselines({found.cells.name: found.cells.genotype}).items():
        try:
            spec = asdict(scaled(name, cells, target))
        except ConfigError as error:
            raise ConfigError(f"detect.mult_adds, {name}: {error}") from error
        for seed in range(config.num_seeds):
            yield DetectTask(
                item_id=f"detect-{label_of.get(name, name)}-s{seed}",
                name=name,
                genotype=cells,
                spec=spec,
                detector=config_json(config.detector),
                recipe=config_json(config.recipe),
                seed=seed,
                initial=None,
            )


def _begun(found: TransferredNetworks, config: DetectConfig) -> Iterator[DetectTask | Skipped]:
    """Backbones that a size of the family gives, with its weights."""
    group = SCRATCH if found.data.cifar is None else FROM_CIFAR
    weights = {each.item_id: each.weights for each in found.networks}
    chosen = [
        task
        for task in found.tasks
        if task.group == group and found.size_of[task.item_id] == config.weights
    ]
    if not chosen:
        raise ConfigError(
            f"detect.weights is {config.weights!r}, but no network of this size was trained; set "
            f"transfer.{config.weights}.mult_adds, or detect.weights to none"
        )
    for task in (each for each in chosen if each.seed < config.num_seeds):
        item_id = f"detect-{task.item_id}"
        if task.item_id not in weights:
            yield Skipped(item_id=item_id, reason=f"its classifier {task.item_id} failed")
            continue
        yield DetectTask(
            item_id=item_id,
            name=task.name,
            genotype=task.genotype,
            spec=task.spec,
            detector=config_json(config.detector),
            recipe=config_json(config.recipe),
            seed=task.seed,
            initial=weights[task.item_id],
        )
