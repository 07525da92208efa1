"""Detectors that are trained: the cells and the baselines as backbones of equal cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.nas.models.scaling import scale_baseline, scale_cells
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.specs import BaselineSpec, NetworkSpec
from tasks.nas.transfer.family import BASELINES, FROM_CIFAR, SCRATCH, label_of
from tasks.nas.transfer_config import DetectConfig
from tasks.nas.transfer_manifests import BoxData, DetectTask, TransferredNetworks


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
    cells = found.cells
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        cells.name: partial(_cells_spec, cells.genotype, boxes, config)
    }
    makers |= {kind: partial(_baseline_spec, kind, boxes, config) for kind in BASELINES}
    for name, make in makers.items():
        try:
            spec = make()
        except ConfigError as error:
            raise ConfigError(f"detect.mult_adds, {name}: {error}") from error
        is_cells = name == cells.name
        for seed in range(config.num_seeds):
            yield DetectTask(
                item_id=f"detect-{label_of(cells) if is_cells else name}-s{seed}",
                name=name,
                genotype=cells.genotype if is_cells else None,
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


def _cells_spec(genotype: GenotypeRecord, boxes: BoxData, config: DetectConfig) -> dict[str, Any]:
    wanted = NetworkSpec(
        num_cells=config.num_cells,
        num_filters=1,
        num_classes=len(boxes.classes),
        stem=config.stem,
        image_px=boxes.side_px,
    )
    spec, _ = scale_cells(genotype.genotype("cells"), wanted, config.mult_adds)
    return asdict(spec)


def _baseline_spec(kind: str, boxes: BoxData, config: DetectConfig) -> dict[str, Any]:
    wanted = BaselineSpec(
        kind=kind,
        width=1,
        num_classes=len(boxes.classes),
        stem=config.stem,
        image_px=boxes.side_px,
    )
    blocks = (1, 2, 3) if kind == "resnet" else ()
    spec, _ = scale_baseline(wanted, config.mult_adds, blocks)
    return asdict(spec)
