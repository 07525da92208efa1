"""First surfaces along rays, against distances known beforehand and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.panorama.simulation.paint.materials import make_material
from tasks.panorama.simulation.rays.ray_casting import NOTHING, cast
from tasks.panorama.simulation.rays.ray_tiles import bundle
from tasks.panorama.simulation.rays.surfaces import Scene, SceneBuilder
from tests.support.panorama.scene_rays import cast_along

GREY = make_material(np.full((8, 8, 3), 128.0, np.float32), (1.0, 1.0))


def _builder() -> SceneBuilder:
    builder = SceneBuilder()
    builder.material(GREY)
    return builder


def _cast(scene: Scene, directions, origin=(0.0, 0.0, 0.0)):
    """Distance, surface and place along rays of any length."""
    distance, hits = cast_along(scene, directions, origin)
    return distance, hits.surface[0], hits.place[:, 0]


def test_a_wall_is_hit_at_its_distance_and_place():
    builder = _builder()
    builder.flat((-2.0, -1.0, 5.0), (4.0, 0.0, 0.0), (0.0, 3.0, 0.0), 0)
    scene = builder.build(None, None)
    distance, surface, place = _cast(scene, [(0, 0, 5), (1, 1, 5), (3, 0, 5), (0, 0, -1)])
    assert distance == pytest.approx([5.0, np.sqrt(27.0), np.inf, np.inf], rel=1e-6)
    assert list(surface) == [0, 0, NOTHING, NOTHING]
    assert place[:, 0] == pytest.approx([2.0, 1.0], abs=1e-5)
    assert place[:, 1] == pytest.approx([3.0, 2.0], abs=1e-5)


def test_the_origin_of_the_rays_counts():
    builder = _builder()
    builder.flat((-2.0, -1.0, 5.0), (4.0, 0.0, 0.0), (0.0, 3.0, 0.0), 0)
    scene = builder.build(None, None)
    distance, _, place = _cast(scene, (0, 0, 1), origin=(0.5, 0.25, 1.0))
    assert distance[0] == pytest.approx(4.0)
    assert place[:, 0] == pytest.approx([2.5, 1.25])


def test_the_nearer_surface_hides_the_farther():
    builder = _builder()
    for z in (9.0, 3.0, 6.0):
        builder.flat((-1.0, -1.0, z), (2.0, 0.0, 0.0), (0.0, 2.0, 0.0), 0)
    builder.cylinder((0.0, 1.0, 2.0), 0.1, 0.5, 0)
    distance, surface, _ = _cast(builder.build(None, None), [(0, 0, 1), (0, 0.3, 1)])
    assert distance[0] == pytest.approx(3.0)
    assert surface[0] == 1
    assert surface[1] == 3


def test_a_hole_lets_rays_through():
    builder = _builder()
    solid = np.ones((10, 10), bool)
    solid[4:6, 4:6] = False
    builder.flat((-1.0, -1.0, 3.0), (2.0, 0.0, 0.0), (0.0, 2.0, 0.0), 0, cutout=solid)
    builder.flat((-5.0, -5.0, 7.0), (10.0, 0.0, 0.0), (0.0, 10.0, 0.0), 0)
    distance, _, _ = _cast(builder.build(None, None), [(0.1, 0.1, 3.0), (0.5, 0.1, 3.0)])
    assert distance[0] == pytest.approx(7.0 / np.cos(np.arctan(np.hypot(0.1, 0.1) / 3.0)))
    assert distance[1] == pytest.approx(np.linalg.norm([0.5, 0.1, 3.0]))


def test_a_cylinder_is_round_and_ends():
    builder = _builder()
    builder.cylinder((0.0, 1.0, 4.0), 0.5, 2.0, 0)
    scene = builder.build(None, None)
    up = (0.0, -0.99 / 3.5, 1.0)
    beyond = (0.0, -1.02 / 3.5, 1.0)
    tangent = np.arcsin(0.5 / 4.0)
    beside = [(np.sin(tangent + turn), 0.0, np.cos(tangent + turn)) for turn in (-1e-3, 1e-3)]
    distance, surface, place = _cast(scene, [(0, 0, 1), up, beyond, *beside])
    assert distance[0] == pytest.approx(3.5)
    assert list(surface >= 0) == [True, True, False, True, False]
    # From the top down, and half way round from the far side.
    assert place[:, 0] == pytest.approx([0.5 * 2 * np.pi, 1.0], abs=1e-5)


def test_an_ellipsoid_is_hit_on_its_near_side():
    builder = _builder()
    builder.ellipsoid((0.0, 0.0, 10.0), (1.0, 2.0, 3.0), 0)
    scene = builder.build(None, None)
    distance, surface, _ = _cast(scene, [(0, 0, 1), (0, 0, -1), (0, 2.2, 10)])
    assert distance[0] == pytest.approx(7.0)
    assert list(surface >= 0) == [True, False, False]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_tiles_skip_nothing_that_can_be_met(seed):
    """Small tiles with tight cones give what one tile that looks everywhere gives."""
    rng = np.random.default_rng(seed)
    builder = _builder()
    for _ in range(12):
        corner = rng.uniform(-4.0, 4.0, 3)
        builder.flat(corner, rng.uniform(-3, 3, 3), rng.uniform(-3, 3, 3), 0)
    for _ in range(4):
        middle, radii = rng.uniform(-5.0, 5.0, 3), rng.uniform(0.1, 1.0, 3)
        builder.ellipsoid(tuple(middle), tuple(radii), 0)
        builder.cylinder(tuple(rng.uniform(-5.0, 5.0, 3)), 0.3, 2.0, 0)
    scene = builder.build(None, None)
    origin = rng.uniform(-0.1, 0.1, 3)
    axes = rng.standard_normal((40, 1, 3))
    near = axes / np.linalg.norm(axes, axis=2, keepdims=True) + rng.normal(0, 0.05, (40, 16, 3))
    directions = near / np.linalg.norm(near, axis=2, keepdims=True)
    tight = cast(scene, bundle(origin, directions, np.zeros((40, 16))))
    everywhere = cast(scene, bundle(origin, directions.reshape(1, -1, 3), np.zeros((1, 640))))
    assert np.array_equal(tight.surface.ravel(), everywhere.surface.ravel())
    assert np.allclose(tight.nearness.ravel(), everywhere.nearness.ravel(), rtol=1e-5)
