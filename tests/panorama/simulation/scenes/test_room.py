"""A room is closed on all sides, furnished, and has no sky."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.scenes.room import build_room
from tests.support.panorama.scene_rays import cast_along, spread

FOCAL_PX = 40.0  # coarse pictures are enough to be met


@pytest.fixture(scope="module", params=[3, 8])
def room(request):
    return build_room(np.random.default_rng(request.param), FOCAL_PX)


def test_floor_and_ceiling_are_where_they_should_be(room):
    floor, ceiling = room.corners[:2]
    assert (floor[1], ceiling[1]) == (1.45, -1.75)
    distance, _ = cast_along(room, [(0.0, 1.0, 0.0), (0.0, -1.0, 0.0)])
    assert distance[0] <= 1.45 + 1e-5, "the floor, or what stands in the middle"
    assert distance[1] <= 1.75 + 1e-5, "the ceiling, or the lamp"


def test_every_ray_ends_in_the_room(room):
    distance, _ = cast_along(room, spread(4000))
    assert np.isfinite(distance).all()
    assert distance.max() < np.linalg.norm([4.8, 1.75, 4.8])
    assert distance.min() > 0.3


def test_walls_are_two_to_five_metres_away(room):
    height_m = np.abs(room.edges[..., 1]).max(axis=1)
    walls = np.flatnonzero(np.isclose(height_m, 3.2))
    assert len(walls) == 4
    for wall in walls:
        along, down = room.edges[wall]
        normal = np.cross(along, down) / np.linalg.norm(np.cross(along, down))
        assert 2.3 <= abs(normal @ room.corners[wall]) <= 4.8


def test_it_is_furnished_and_has_no_sky(room):
    assert room.sky is None
    assert room.num_flat > 6 + 10
