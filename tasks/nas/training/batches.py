"""Batches of augmented images, cut from arrays a whole batch at a time.

Random crops and flips are one gather: the row and column of each pixel are indices. Images stay
uint8 until then, so that every worker of a node can share one copy of the data.

Shapes: n images, b of a batch, s side.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from tasks.learning.parallel import share
from tasks.nas.data.raw_images import LabelledImages, Pixels
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.standard import Standard


def num_steps(num_images: int, config: TrainingConfig) -> int:
    """Steps of one epoch; images that don't fill a batch wait for the next epoch."""
    return max(1, num_images // config.batch_size)


def epoch_batches(
    images: LabelledImages,
    standard: Standard,
    config: TrainingConfig,
    rng: np.random.Generator,
    device: str = "cpu",
) -> Iterator[tuple[Tensor, Tensor]]:
    """All batches of one epoch, in random order, augmented; of each, this process's share.

    Args:
        images: What is trained on.
        standard: How it is standardised.
        config: Size of a batch and augmentation.
        rng: Source of chance.
        device: Where the batches go.

    Yields:
        Images (b, 3, s, s), channels_last, and labels (b,).
    """
    order = rng.permutation(len(images))
    for step in range(num_steps(len(images), config)):
        chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
        pixels = augment(images.pixels, chosen, config, rng)
        batch = standard.tensor(pixels, device)
        if config.cutout_px:
            blank(batch, config.cutout_px, rng)
        own = share(len(chosen))
        yield batch[own], torch.from_numpy(images.labels[chosen[own]]).to(device)


def augment(
    pixels: Pixels, chosen: np.ndarray, config: TrainingConfig, rng: np.random.Generator
) -> Pixels:
    """Gather images, each shifted and mirrored by chance; what comes in from outside is black.

    Args:
        pixels: (n, s, s, 3).
        chosen: Indices of the batch, (b,).
        config: ``crop_px`` and ``flips``.
        rng: Source of chance.

    Returns:
        (b, s, s, 3).
    """
    num, side, reach = len(chosen), pixels.shape[1], config.crop_px
    shifts = rng.integers(-reach, reach + 1, size=(2, num, 1))
    is_mirrored = rng.integers(0, 2 if config.flips else 1, size=(num, 1)) == 1
    places = np.arange(side)
    rows = places + shifts[0]
    columns = np.where(is_mirrored, side - 1 - places, places) + shifts[1]
    inside = [(each >= 0) & (each < side) for each in (rows, columns)]
    gathered: Pixels = pixels[
        chosen[:, None, None],
        rows.clip(0, side - 1)[:, :, None],
        columns.clip(0, side - 1)[:, None, :],
    ]
    if reach:
        gathered *= (inside[0][:, :, None] & inside[1][:, None, :])[..., None]
    return gathered


def blank(images: Tensor, side_px: int, rng: np.random.Generator) -> None:
    """Cutout: blank a square of each image, in place; part of it may lie outside.

    Args:
        images: (b, 3, s, s), standardised: 0 is the mean colour.
        side_px: Side of the square.
        rng: Source of chance.
    """
    num, _, height, width = images.shape
    near = []
    for length in (height, width):
        centres = rng.integers(0, length, size=(num, 1))
        begin = centres - side_px // 2
        places = np.arange(length)
        near.append((places >= begin) & (places < begin + side_px))
    mask = near[0][:, None, :, None] & near[1][:, None, None, :]
    images.masked_fill_(torch.from_numpy(mask).to(images.device), 0.0)
