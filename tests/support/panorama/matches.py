"""Exact matches between the images of a rig whose warps are known."""

from __future__ import annotations

import numpy as np

from tasks.panorama.camera.camera import directions_of, project
from tasks.panorama.types import Alignment, Correspondences, FloatArray


def matches_under(
    alignment: Alignment, pairs: list[tuple[int, int]], num_tried: int, seed: int = 0
) -> Correspondences:
    """Matches that an alignment brings to exactly the same direction.

    Points are drawn uniformly over each first image; those that the second one does not see
    are left out.
    """
    rng = np.random.default_rng(seed)
    columns: list[tuple[FloatArray, ...]] = []
    for a, b in pairs:
        camera_a, camera_b = alignment.rig.cameras[a], alignment.rig.cameras[b]
        size = (camera_a.width_px - 1, camera_a.height_px - 1)
        points_a = rng.uniform((0, 0), size, (num_tried, 2))
        warped_b, seen = project(camera_b, directions_of(alignment, a, points_a))
        points_b = warped_b[seen]
        field = alignment.fields[b]
        if field is not None:
            for _ in range(50):
                points_b = warped_b[seen] - field.sample(points_b)
        pair = np.broadcast_to((a, b), (len(points_b), 2))
        columns.append((pair, points_a[seen], points_b))
    pair, points_a, points_b = (np.concatenate(column) for column in zip(*columns, strict=True))
    count = len(pair)
    grey = np.full((count, 3), 128.0)
    return Correspondences(
        pair[:, 0],
        pair[:, 1],
        points_a,
        points_b,
        np.ones(count),
        grey,
        grey.copy(),
        np.zeros(count, bool),
    )
