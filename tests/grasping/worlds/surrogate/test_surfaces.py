from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.types import SurfaceLook
from tasks.grasping.worlds.surrogate.surfaces import ball, box, joined, texture_coordinates, tube


def look(scale_m: float, turn_rad: float = 0.0) -> SurfaceLook:
    return SurfaceLook(0, (1.0, 1.0, 1.0), scale_m, turn_rad, (0.25, 0.5))


@pytest.mark.parametrize("turn_rad", [0.0, 0.7])
def test_a_texture_repeats_every_scale_on_all_faces_of_a_box(turn_rad: float) -> None:
    cube = box([0.05, 0.05, 0.05])
    uv = texture_coordinates(cube, look(0.02, turn_rad)).reshape(-1, 3, 2)
    corners_m = cube.vertices_m[cube.faces]
    for one, two in ((0, 1), (1, 2), (2, 0)):
        repeats = np.linalg.norm(uv[:, one] - uv[:, two], axis=1)
        metres = np.linalg.norm(corners_m[:, one] - corners_m[:, two], axis=1)
        assert repeats == pytest.approx(metres / 0.02)
    centred = uv.reshape(-1, 2).mean(axis=0)
    assert np.abs(centred - [0.25, 0.5]).max() < 2.5


def test_joined_surfaces_keep_their_triangles() -> None:
    parts = [box([0.01, 0.02, 0.03]), ball(0.02).moved([0.1, 0.0, 0.0]), tube(0.01, 0.0, 0.1)]
    whole = joined(parts)
    expected = np.concatenate([part.vertices_m[part.faces] for part in parts])
    assert (whole.vertices_m[whole.faces] == expected).all()
    assert np.ptp(parts[2].vertices_m[:, 2]) == pytest.approx(0.1)
