"""Which images of a rig overlap, and which of them hang together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import Camera, FloatArray, Rig

_GRID_SIDE = 24


def overlapping_pairs(rig: Rig, min_share: float) -> tuple[tuple[int, int], ...]:
    """Pairs of images that see the same directions.

    Args:
        rig: The cameras.
        min_share: Least share of one image's area that the other must see, 0..1.

    Returns:
        Pairs of image indices, the smaller first, in order.
    """
    shares = overlap_shares(rig)
    either = np.maximum(shares, shares.T)
    first, second = np.nonzero(np.triu(either >= max(min_share, 1e-9), k=1))
    return tuple(zip(first.tolist(), second.tolist(), strict=True))


def overlap_shares(rig: Rig) -> FloatArray:
    """Share of image i's area that image j sees, (num_images, num_images)."""
    directions = np.concatenate([rays(camera, _grid(camera)) for camera in rig.cameras])
    seen = np.stack([project(camera, directions)[1] for camera in rig.cameras], axis=1)
    num = len(rig.cameras)
    return np.asarray(seen.reshape(num, _GRID_SIDE**2, num).mean(axis=1))


def largest_connected(num_images: int, pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The largest set of images that hang together through pairs.

    Args:
        num_images: How many images there are.
        pairs: Pairs of image indices.

    Returns:
        Image indices in order; of equally large sets the one with the first image.
    """
    group = list(range(num_images))

    def root(index: int) -> int:
        while group[index] != index:
            group[index] = group[group[index]]
            index = group[index]
        return index

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        group[high] = low
    members: dict[int, list[int]] = {}
    for index in range(num_images):
        members.setdefault(root(index), []).append(index)
    sets = sorted(members.values(), key=lambda indices: (-len(indices), indices[0]))
    return tuple(sets[0]) if sets else ()


def _grid(camera: Camera) -> FloatArray:
    """Centres of equal cells that cover the image, (cells, 2) px."""
    steps = (np.arange(_GRID_SIDE) + 0.5) / _GRID_SIDE
    x, y = np.meshgrid(steps * camera.width_px - 0.5, steps * camera.height_px - 0.5)
    return np.column_stack([x.ravel(), y.ravel()])
