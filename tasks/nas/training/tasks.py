"""Tasks for `train_network`: cells and baselines, scaled to what they may cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from tasks.core.config import config_json
from tasks.nas.manifests import TrainTask
from tasks.nas.models.scaling import scale_baseline, scale_cells
from tasks.nas.recipe import Recipe
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.specs import BaselineSpec, NetworkSpec


@dataclass(frozen=True)
class Size:
    """What a network is scaled to, and trained on.

    Attributes:
        image_px: Side of the images.
        mult_adds: Multiply-adds of one image.
        num_images: Training images; 0 for all.
        num_classes: Classes.
        stem: ``cifar`` or ``imagenet``.
        num_cells: N of a network of cells.
    """

    image_px: int
    mult_adds: int
    num_images: int
    num_classes: int
    stem: Literal["cifar", "imagenet"] = "cifar"
    num_cells: int = 1


def cell_task(cells: GenotypeRecord, size: Size, recipe: Recipe, item_id: str) -> TrainTask:
    """The training of cells, scaled.

    Raises:
        ConfigError: No width costs what is asked.
    """
    wanted = NetworkSpec(
        num_cells=size.num_cells,
        num_filters=1,
        num_classes=size.num_classes,
        stem=size.stem,
        image_px=size.image_px,
        has_auxiliary=recipe.auxiliary_weight > 0,
        drop_path_rate=recipe.drop_path_rate,
    )
    spec, _ = scale_cells(cells.genotype(item_id), wanted, size.mult_adds)
    return _task(item_id, cells, spec, size, recipe)


def baseline_task(kind: str, size: Size, recipe: Recipe, item_id: str) -> TrainTask:
    """The training of a ``resnet`` or ``mobilenet_v2``, scaled.

    Raises:
        ConfigError: No width costs what is asked.
    """
    wanted = BaselineSpec(
        kind=kind,
        width=1,
        num_classes=size.num_classes,
        stem=size.stem,
        image_px=size.image_px,
    )
    blocks = (1, 2, 3) if kind == "resnet" else ()
    spec, _ = scale_baseline(wanted, size.mult_adds, blocks)
    return _task(item_id, None, spec, size, recipe)


def _task(
    item_id: str,
    cells: GenotypeRecord | None,
    spec: NetworkSpec | BaselineSpec,
    size: Size,
    recipe: Recipe,
) -> TrainTask:
    return TrainTask(
        item_id=item_id,
        group="",
        name=item_id,
        search="",
        genotype=cells,
        spec=asdict(spec),
        image_px=size.image_px,
        num_images=size.num_images,
        recipe=config_json(recipe),
        seed=0,
        initial=None,
    )
