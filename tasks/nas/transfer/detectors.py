"""Detectors that are trained: the cells and the baselines as backbones of equal cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.nas.detection.levels import level_maps
from tasks.nas.detection.manifests import BoxData, DetectTask
from tasks.nas.training.candidates import Target, beside_baselines, scaled, warn_of_narrow
from tasks.nas.training.groups import FROM_CIFAR, SCRATCH
from tasks.nas.training.networks import build, design_of
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
        ConfigError: No width of a backbone costs what is asked, no such size was trained, or a
            backbone has no map of a stride that is asked for.
    """
    if config.weights == "none":
        planned: Iterator[DetectTask | Skipped] = _drawn(found, boxes, config)
    elif config.weights == "timm":
        planned = _of_timm(found, config)
    else:
        planned = _begun(found, config)
    checked: set[str] = set()
    for task in planned:
        if isinstance(task, DetectTask) and task.name not in checked:
            _check_levels(task, config)
            checked.add(task.name)
        yield task


def _check_levels(task: DetectTask, config: DetectConfig) -> None:
    """Make sure that a backbone has the maps, before anything is trained."""
    import torch

    with torch.device("meta"):
        network = build(*design_of(task))
    try:
        level_maps(network, config.detector)
    except ConfigError as error:
        raise ConfigError(f"detect.detector, {task.name}: {error}") from error


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
        warn_of_narrow(f"backbone {name}", spec)
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


def _of_timm(found: TransferredNetworks, config: DetectConfig) -> Iterator[DetectTask]:
    """A backbone whose weights stay as they are, alone: others don't cost as much."""
    backbone = found.data.timm
    if backbone is None:
        raise ConfigError(
            "detect.weights is 'timm', but there are no weights of timm: name their file in "
            "prepare_transfer.timm"
        )
    for seed in range(config.num_seeds):
        yield DetectTask(
            item_id=f"detect-timm-{backbone.weights.sha256[:16]}-s{seed}",
            name=backbone.name,
            genotype=backbone.genotype,
            spec=backbone.spec,
            detector=config_json(config.detector),
            recipe=config_json(config.recipe),
            seed=seed,
            initial=backbone.weights,
            frozen_standard=backbone.standard,
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
