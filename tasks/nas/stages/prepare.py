"""First stage: read the images, wherever they are, and keep them as arrays with fixed splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.core.ports import StageContext
from tasks.core.refs import ArtifactRef
from tasks.core.seeds import rng
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import PrepareConfig
from tasks.nas.data.raw_images import LabelledImages, Pixels
from tasks.nas.data.read import deal, read_images
from tasks.nas.manifests import ImageData, ImageSplit

_CHUNK = 4096


@stage(
    StageSpec(
        name="nas.prepare",
        section="prepare",
        libraries=("numpy", "pillow", "torchvision"),
        draws=True,
        reads_outside=True,
    )
)
def prepare_images(config: PrepareConfig, ctx: StageContext) -> ArtifactRef:
    """Read a data set, deal it out to splits and keep them."""
    raw = read_images(config.data, config.data_set, config.side_px)
    splits = deal(raw, config.num_validation, rng(ctx.seed, ctx.stage, raw.name))
    mean, std = channel_statistics(splits.train.pixels)
    ctx.tracker.log_metrics(
        {f"{name}_images": float(len(part)) for name, part in vars(splits).items()}
    )
    return ctx.store.write(
        ImageData(
            name=raw.name,
            source=raw.source,
            classes=raw.classes,
            side_px=raw.train.pixels.shape[1],
            mean=mean,
            std=std,
            **{name: _keep(name, part, ctx) for name, part in vars(splits).items()},
        )
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


def _keep(name: str, images: LabelledImages, ctx: StageContext) -> ImageSplit:
    files = []
    for what, array in (("images", images.pixels), ("labels", images.labels)):
        path = Path(ctx.scratch, f"{name}_{what}.npy")
        np.save(path, array)
        files.append(ctx.store.add(path, path.name))
    return ImageSplit(images=files[0], labels=files[1], num_images=len(images))
