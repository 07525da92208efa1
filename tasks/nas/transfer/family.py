"""A family of three sizes: the cells and the baselines, each scaled to the same multiply-adds.

Zoph et al. (2018), section 4.2 and figure 5, stack one pair of cells to networks from mobile to
large and plot accuracy against multiply-adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.nas.manifests import ImageData, TrainTask
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.training.candidates import (
    Target,
    beside_baselines,
    train_task,
    warn_of_narrow,
)
from tasks.nas.training.groups import CIFAR, FROM_CIFAR, SCRATCH
from tasks.nas.transfer.config import SIZES, SizeConfig, SizeName, TransferConfig
from tasks.nas.transfer.manifests import ChosenCells


@dataclass(frozen=True)
class Member:
    """One network of the family.

    Attributes:
        size: Name of its size.
        task: Its training from scratch with seed 0; others are derived from it.
    """

    size: SizeName
    task: TrainTask


def scale_family(
    cells: ChosenCells, images: ImageData, config: TransferConfig
) -> tuple[Member, ...]:
    """Scale the cells and the baselines to each size that is asked for.

    Args:
        cells: What is transferred.
        images: What it is transferred to.
        config: Sizes, and how networks are trained.

    Raises:
        ConfigError: No size is asked for, or no width of a network costs what one asks.
    """
    wanted = {name: getattr(config, name) for name in SIZES if getattr(config, name).mult_adds}
    if not wanted:
        raise ConfigError(
            f"transfer: set mult_adds of one of {', '.join(SIZES)}; all are 0, so there is "
            "nothing to train"
        )
    candidates = beside_baselines({cells.name: cells.genotype})
    return tuple(
        _member(size, f"{labels(cells).get(name, name)}-{size}", name, record, target, config)
        for size, target in ((n, _target(s, images, config)) for n, s in wanted.items())
        for name, record in candidates.items()
    )


def cifar_tasks(
    family: Sequence[Member], cifar: ImageData, config: TransferConfig
) -> Iterator[tuple[TrainTask, SizeName]]:
    """Trainings of the same networks on CIFAR, for weights to begin with, by seed."""
    training = config.cifar_recipe
    for member in family:
        spec = member.task.spec | {"num_classes": len(cifar.classes), "image_px": cifar.side_px}
        if "has_auxiliary" in spec:
            spec["has_auxiliary"] = training.auxiliary_weight > 0
        for seed in range(config.num_seeds):
            changed = {
                "item_id": _item_id(CIFAR, member, seed),
                "group": CIFAR,
                "spec": spec,
                "image_px": cifar.side_px,
                "num_images": config.cifar_num_images,
                "recipe": config_json(training),
                "seed": seed,
            }
            yield member.task.model_copy(update=changed), member.size


def scratch_tasks(
    family: Sequence[Member], config: TransferConfig
) -> Iterator[tuple[TrainTask, SizeName]]:
    """Trainings on the larger images from weights that are drawn, by seed."""
    for member in family:
        for seed in range(config.num_seeds):
            changed = {"item_id": _item_id(SCRATCH, member, seed), "seed": seed}
            yield member.task.model_copy(update=changed), member.size


def from_cifar_tasks(
    family: Sequence[Member],
    weights: Mapping[str, FileRef],
    reasons: Mapping[str, str],
    config: TransferConfig,
) -> Iterator[tuple[TrainTask | Skipped, SizeName]]:
    """Trainings on the larger images from CIFAR weights, by seed.

    Args:
        family: The networks.
        weights: State dicts by the item ids of `cifar_tasks`.
        reasons: Why there are none, by the same ids.
        config: Number of seeds.

    Yields:
        The training, skipped where its weights are missing; and its size.
    """
    for member in family:
        for seed in range(config.num_seeds):
            before, item_id = _item_id(CIFAR, member, seed), _item_id(FROM_CIFAR, member, seed)
            if before not in weights:
                reason = f"its training on CIFAR failed: {reasons.get(before, 'unknown')}"
                yield Skipped(item_id=item_id, reason=reason), member.size
                continue
            changed = {
                "item_id": item_id,
                "group": FROM_CIFAR,
                "seed": seed,
                "initial": weights[before],
            }
            yield member.task.model_copy(update=changed), member.size


def labels(cells: ChosenCells) -> dict[str, str]:
    """Part of item ids that stands for the cells, by their name.

    It decides initial weights, with the seed.
    """
    return {cells.name: f"{cells.name}-{cells.genotype_hash[:16]}"}


def _item_id(group: str, member: Member, seed: int) -> str:
    return f"{group}-{member.task.item_id}-s{seed}"


def _target(size: SizeConfig, images: ImageData, config: TransferConfig) -> Target:
    return Target(
        image_px=config.image_px or images.side_px,
        mult_adds=size.mult_adds,
        num_classes=len(images.classes),
        stem=config.stem,
        num_cells=size.num_cells,
        num_images=config.num_images,
    )


def _member(
    size: SizeName,
    item_id: str,
    name: str,
    cells: GenotypeRecord | None,
    target: Target,
    config: TransferConfig,
) -> Member:
    try:
        task = train_task(item_id, name, cells, target, config.recipe, group=SCRATCH)
    except ConfigError as error:
        raise ConfigError(f"transfer.{size}.mult_adds, {name}: {error}") from error
    warn_of_narrow(f"{name}, {size}", task.spec)
    return Member(size, task)
