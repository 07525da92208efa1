"""Networks that are compared at equal cost: cells and hand-made designs, scaled to it.

A candidate is a name and its cells; a hand-made network is known by its name and has none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tasks.core.config import config_json
from tasks.nas.manifests import TrainTask
from tasks.nas.models.scaling import scale_baseline, scale_cells
from tasks.nas.models.sizes import LEAST_FILTERS, BaselineSize, NetworkSize
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import BASELINES

_LOG = logging.getLogger(__name__)
_RESNET_BLOCKS = (1, 2, 3)  # per stage, of which scaling chooses


@dataclass(frozen=True)
class Target:
    """What a network is scaled to, and trained on.

    Attributes:
        image_px: Side of the images.
        mult_adds: Multiply-adds of one image.
        num_classes: Classes.
        stem: ``cifar`` or ``imagenet``.
        num_cells: N of a network of cells.
        num_images: Training images; 0 for all.
    """

    image_px: int
    mult_adds: int
    num_classes: int
    stem: Literal["cifar", "imagenet"] = "cifar"
    num_cells: int = 1
    num_images: int = 0


def beside_baselines(cells: Mapping[str, GenotypeRecord]) -> dict[str, GenotypeRecord | None]:
    """Candidates: cells by name, behind them the hand-made networks."""
    return {**cells, **dict.fromkeys(BASELINES)}


def scaled(
    name: str, cells: GenotypeRecord | None, target: Target, training: TrainingConfig | None = None
) -> NetworkSize | BaselineSize:
    """The size at which a candidate costs what is asked.

    Args:
        name: Kind of a hand-made network, ``resnet`` or ``mobilenet_v2``; names others in errors.
        cells: Its cells; None for a hand-made network.
        target: What it is scaled to.
        training: How a classifier is trained, which decides on an auxiliary head and on dropped
            paths; None for neither.

    Raises:
        ConfigError: No width costs what is asked.
    """
    if cells is None:
        return _scaled_baseline(name, target)
    wanted = NetworkSize(
        num_cells=target.num_cells,
        num_filters=1,
        num_classes=target.num_classes,
        stem=target.stem,
        image_px=target.image_px,
        has_auxiliary=training is not None and training.auxiliary_weight > 0,
        drop_path_rate=0.0 if training is None else training.drop_path_rate,
    )
    found, _ = scale_cells(cells.genotype(name), wanted, target.mult_adds)
    return found


def warn_of_narrow(name: str, size: Mapping[str, Any]) -> None:
    """Log a warning where a network of cells is too narrow to be compared with others.

    Args:
        name: What messages call it.
        size: `tasks.nas.models.sizes.NetworkSize` or `BaselineSize`, as JSON values.
    """
    num_filters = size.get("num_filters", LEAST_FILTERS)
    if num_filters < LEAST_FILTERS:
        _LOG.warning(
            "%s has %.3g filters: with fewer than %d most of the arithmetic mixes no channels, and "
            "a comparison says little of cells of published width; ask for more multiply-adds%s",
            name,
            num_filters,
            LEAST_FILTERS,
            "" if size.get("stem") == "imagenet" else " or for the imagenet stem",
        )


def train_task(
    item_id: str,
    name: str,
    cells: GenotypeRecord | None,
    target: Target,
    training: TrainingConfig,
    *,
    group: str,
    search: str = "",
) -> TrainTask:
    """The training of a candidate, scaled, with seed 0.

    Args:
        item_id: Unique within its stage.
        name: See `scaled`.
        cells: See `scaled`.
        target: What it is scaled to, and trained on.
        training: How it is trained.
        group: What it is compared within.
        search: Search that found it; empty for others.

    Raises:
        ConfigError: No width costs what is asked.
    """
    return TrainTask(
        item_id=item_id,
        group=group,
        name=name,
        search=search,
        genotype=cells,
        spec=asdict(scaled(name, cells, target, training)),
        image_px=target.image_px,
        num_images=target.num_images,
        recipe=config_json(training),
        seed=0,
        initial=None,
    )


def _scaled_baseline(kind: str, target: Target) -> BaselineSize:
    wanted = BaselineSize(
        kind=kind,
        width=1,
        num_classes=target.num_classes,
        stem=target.stem,
        image_px=target.image_px,
    )
    blocks = _RESNET_BLOCKS if kind == "resnet" else ()
    found, _ = scale_baseline(wanted, target.mult_adds, blocks)
    return found
