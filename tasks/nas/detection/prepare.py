"""Images with boxes: generated scenes, or a user's data in COCO's format, kept as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.core.errors import ConfigError, DataError
from tasks.core.outside.copies import path_of
from tasks.core.ports import StageContext
from tasks.core.seeds import digest64
from tasks.nas.data.keep import channel_statistics
from tasks.nas.data.raw_images import name_of
from tasks.nas.detection.coco import read_coco
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.detection.manifests import BoxData, BoxSplit
from tasks.nas.detection.scenes import draw_scenes
from tasks.nas.detection.types import AnnotatedImages

_SECTION = "prepare_transfer.boxes"
_SCENES = "scenes"


def prepare_boxes(config: BoxesConfig, ctx: StageContext) -> BoxData | None:
    """Read images with boxes, or draw them, and keep them as arrays; None if there are to be none.

    Args:
        config: Where they come from.
        ctx: The stage's; its root seed decides what is drawn.

    Raises:
        ConfigError: A place is not named, or no image is asked for.
        DataError: A file can't be used; says which and why.
    """
    if config.kind == "none":
        return None
    train, test = _scenes(config, ctx) if config.kind == _SCENES else _coco(config)
    mean, std = channel_statistics(train.images)
    ctx.tracker.log_metrics(
        {
            "boxes_train_images": float(len(train)),
            "boxes_test_images": float(len(test)),
            "boxes_skipped": float(len(train.skipped) + len(test.skipped)),
            "boxes_too_small": float(train.num_small + test.num_small),
        }
    )
    return BoxData(
        name=config.kind if config.kind == _SCENES else name_of(Path(config.test_images)),
        source=_source(config),
        classes=train.classes,
        side_px=config.side_px,
        mean=mean,
        std=std,
        train=_keep("boxes_train", train, ctx),
        test=_keep("boxes_test", test, ctx),
        skipped=train.skipped + test.skipped,
    )


def _scenes(config: BoxesConfig, ctx: StageContext) -> tuple[AnnotatedImages, AnnotatedImages]:
    if not config.num_train or not config.num_test:
        raise ConfigError(
            "prepare_transfer.boxes: expected num_train and num_test above 0 for generated scenes"
        )
    train, test = (
        draw_scenes(number, config.side_px, digest64(f"{ctx.stage}/{ctx.seed}/{part}"))
        for part, number in (("train", config.num_train), ("test", config.num_test))
    )
    return train, test


def _coco(config: BoxesConfig) -> tuple[AnnotatedImages, AnnotatedImages]:
    files = ("train_images", "train_annotations", "test_images", "test_annotations")
    missing = [name for name in files if not getattr(config, name)]
    if missing:
        raise ConfigError(
            f"prepare_transfer.boxes.{missing[0]} is empty: data in COCO's format needs "
            f"{', '.join(files)}"
        )
    paths = {name: path_of(getattr(config, name), f"{_SECTION}.{name}") for name in files}
    side_px, share = config.side_px, config.max_skipped_fraction
    train, test = (
        read_coco(paths[f"{part}_images"], paths[f"{part}_annotations"], side_px, number, share)
        for part, number in (("train", config.num_train), ("test", config.num_test))
    )
    if train.classes != test.classes:
        raise ConfigError(
            f"{paths['train_annotations']} and {paths['test_annotations']} differ in their "
            "categories: write both from one list"
        )
    for part, found in (("train", train), ("test", test)):
        if found.is_crowd.all():
            raise DataError(
                f"{paths[f'{part}_annotations']}: expected objects in the {len(found)} images that "
                f"are used, found none of at least a pixel at {side_px} px that is no crowd; check "
                "the file, the size, and how many images are asked for"
            )
    return train, test


def _source(config: BoxesConfig) -> str:
    if config.kind == _SCENES:
        return f"generated: shapes on a cluttered background, {config.side_px} px, exact boxes"
    return f"{Path(config.test_annotations).name}, in COCO's format, brought to {config.side_px} px"


def _keep(name: str, images: AnnotatedImages, ctx: StageContext) -> BoxSplit:
    pixels, objects = ctx.scratch / f"{name}_images.npy", ctx.scratch / f"{name}_objects.npz"
    np.save(pixels, images.images)
    np.savez(
        objects,
        boxes=images.boxes,
        labels=images.labels,
        is_crowd=images.is_crowd,
        owners=images.owners,
    )
    return BoxSplit(
        images=ctx.store.add(pixels, pixels.name),
        objects=ctx.store.add(objects, objects.name),
        num_images=len(images),
        num_objects=len(images.boxes),
        num_small=images.num_small,
    )
