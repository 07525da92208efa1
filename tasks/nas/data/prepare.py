"""Reads a data set, deals it out to splits and keeps them: what every pipeline begins with."""

from __future__ import annotations

from tasks.core.ports import StageContext
from tasks.core.seeds import rng
from tasks.nas.data.cifar import CifarName
from tasks.nas.data.keep import keep_images
from tasks.nas.data.read import deal, read_images
from tasks.nas.manifests import ImageData


def prepare_data_set(
    data: str,
    name: CifarName,
    side_px: int,
    num_validation: int,
    max_skipped_fraction: float,
    ctx: StageContext,
) -> ImageData:
    """Prepare one data set; the root seed decides which images are set aside.

    Args:
        data: See `tasks.nas.data.read.read_images`.
        name: See there.
        side_px: See there.
        num_validation: Training images that are set aside for choosing.
        max_skipped_fraction: Greatest part of a split that may be unusable, in [0, 1].
        ctx: The stage's.

    Raises:
        DataError: There is none, or it can't be used; says which and why.
    """
    raw = read_images(data, name, side_px, max_skipped_fraction)
    splits = deal(raw, num_validation, rng(ctx.seed, ctx.stage, raw.name))
    return keep_images(raw, splits, ctx.store, ctx.scratch)


def counts(data: ImageData) -> dict[str, float]:
    """Images of each split, and how many were left out, for the tracker."""
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    found = {f"{name}_images": float(split.num_images) for name, split in splits.items()}
    return found | {"skipped_images": float(len(data.skipped))}
