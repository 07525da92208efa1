"""Keeps a data set as arrays in the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.core.ports import ArtifactStore
from tasks.nas.data.photos import content_of, name_photos
from tasks.nas.data.raw_images import LabelledImages, Pixels, RawImages
from tasks.nas.data.read import Splits
from tasks.nas.manifests import ImageData, ImageSplit

_CHUNK = 4096


def keep_images(raw: RawImages, splits: Splits, store: ArtifactStore, scratch: Path) -> ImageData:
    """Keep the splits of a data set as files of the stage that runs.

    Args:
        raw: What was read; its name begins the names of the files.
        splits: What it was dealt out to.
        store: Keeps the files.
        scratch: Local folder to write them in.
    """
    mean, std = channel_statistics(splits.train.pixels)
    kept = {}
    for name, part in vars(splits).items():
        kept[name] = _keep(f"{raw.name}_{name}", part, raw.classes, store, scratch)
    return ImageData(
        name=raw.name,
        source=raw.source,
        classes=raw.classes,
        side_px=raw.train.pixels.shape[1],
        mean=mean,
        std=std,
        skipped=raw.skipped,
        **kept,
    )


def channel_statistics(
    pixels: Pixels,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of each channel, of 1, over images (n, s, s, 3)."""
    sums, squares = np.zeros(3), np.zeros(3)
    for begin in range(0, len(pixels), _CHUNK):
        part = pixels[begin : begin + _CHUNK].reshape(-1, 3).astype(np.float64) / 255
        sums += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    num = pixels[..., 0].size
    mean = sums / num
    std = np.sqrt(np.maximum(squares / num - mean**2, 1e-12))
    return _triple(mean), _triple(std)


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _keep(
    name: str,
    images: LabelledImages,
    classes: tuple[str, ...],
    store: ArtifactStore,
    scratch: Path,
) -> ImageSplit:
    photos = name_photos(images.pixels) if images.photos is None else images.photos
    files = {}
    for what, array in (("images", images.pixels), ("labels", images.labels), ("photos", photos)):
        path = scratch / f"{name}_{what}.npy"
        np.save(path, array)
        files[what] = store.add(path, path.name)
    content = content_of(photos, images.labels, classes)
    return ImageSplit(**files, num_images=len(images), content=content)
