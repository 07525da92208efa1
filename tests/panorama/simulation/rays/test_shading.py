"""Colours against the light by hand: sun, light from all sides and from above, shadows, sky."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.paint.materials import make_material
from tasks.panorama.simulation.rays.shading import shade, slants
from tasks.panorama.simulation.rays.surfaces import GroundLight, Scene, SceneBuilder, Sky
from tests.support.panorama.scene_rays import cast_along, rays_along

GREY = 120.0
AHEAD = (0.0, 0.0, 1.0)
DOWN = (0.0, 1.0, 0.0)


def _builder(sun=(0.0, 0.0, -1.0), ambient: float = 0.6, *, on_ground: bool = False):
    builder = SceneBuilder(sun=sun, ambient=ambient)
    picture = np.full((8, 8, 3), GREY, np.float32)
    builder.material(make_material(picture, (1.0, 1.0), on_ground=on_ground))
    return builder


def _wall(brightness: float = 1.0, **look) -> Scene:
    builder = _builder(**look)
    builder.flat((-2, -2, 5), (4, 0, 0), (0, 4, 0), 0, brightness=brightness)
    return builder.build(None, None)


def _ground(light: GroundLight | None, *, on_ground: bool) -> Scene:
    builder = _builder(sun=(0.0, 1.0, 0.0), on_ground=on_ground)  # from below: none of it
    builder.flat((-5, 2, -5), (10, 0, 0), (0, 0, 10), 0)
    return builder.build(None, light)


def _colours(scene: Scene, directions) -> np.ndarray:
    _, hits = cast_along(scene, directions)
    return shade(scene, rays_along(directions), hits)[0]


def test_a_wall_that_faces_the_sun_has_its_own_colour():
    assert _colours(_wall(), AHEAD)[0] == pytest.approx([GREY] * 3, abs=0.5)


def test_a_wall_in_the_shade_keeps_what_comes_from_all_sides():
    assert _colours(_wall(sun=(0, 0, 1)), AHEAD)[0] == pytest.approx([0.6 * GREY] * 3, abs=0.5)
    slanting = _wall(sun=(0.6, 0.0, -0.8))
    assert _colours(slanting, AHEAD)[0] == pytest.approx([(0.6 + 0.4 * 0.8) * GREY] * 3, abs=0.5)


def test_brightness_is_a_factor():
    assert _colours(_wall(brightness=0.5), AHEAD)[0] == pytest.approx([0.5 * GREY] * 3, abs=0.5)


def test_what_looks_up_gets_a_little_more():
    found = _colours(_ground(None, on_ground=False), DOWN)[0]
    assert found == pytest.approx([(0.6 + 0.08) * GREY] * 3, abs=0.5)


def test_shadows_fall_on_the_ground_and_on_nothing_else():
    factors = np.full((16, 16), 0.5, np.float32)
    factors[:, :8] = 1.0  # the half with x < 0 is lit
    light = GroundLight(factors, half_size_m=8.0)
    places = [(-3.0, 2.0, 0.0), (3.0, 2.0, 0.0)]
    lit = (0.6 + 0.08) * GREY
    shadowed = _colours(_ground(light, on_ground=True), places)
    assert shadowed[:, 0] == pytest.approx([lit, 0.5 * lit], abs=0.5)
    plain = _colours(_ground(light, on_ground=False), places)
    assert plain[:, 0] == pytest.approx([lit, lit], abs=0.5)


def test_where_nothing_is_the_sky_is_seen_or_none():
    picture = np.zeros((64, 64, 3), np.float32)
    picture[:, 32:] = 200.0  # the half with x > 0
    builder = _builder()
    builder.flat((-2, -2, 5), (4, 0, 0), (0, 4, 0), 0)
    up = [(-1.0, -1.0, 0.0), (1.0, -1.0, 0.0)]
    assert _colours(builder.build(Sky(picture), None), up)[:, 1] == pytest.approx([0.0, 200.0])
    assert not _colours(builder.build(None, None), up).any()


def test_a_slant_is_the_cosine_to_the_normal():
    scene = _wall()
    directions = [AHEAD, (0.2, 0.0, 1.0), (0.0, 0.0, -1.0)]
    _, hits = cast_along(scene, directions)
    expected = [1.0, 1.0 / np.hypot(1.0, 0.2), 1.0]  # 1 where nothing is met
    assert slants(scene, rays_along(directions), hits)[0] == pytest.approx(expected, abs=1e-6)


def test_a_ball_turns_its_normal_towards_the_ray():
    builder = _builder(sun=(0.0, 0.0, -1.0))
    builder.ellipsoid((0.0, 0.0, 5.0), (1.0, 1.0, 1.0), 0)
    scene = builder.build(None, None)
    assert _colours(scene, AHEAD)[0] == pytest.approx([GREY] * 3, abs=0.5)
    # Half a radius off the middle the normal leans by 30 degrees, and the ray by 6.
    rim = np.array([0.5, 0.0, 5.0 - np.sqrt(0.75)])
    light = 0.6 + 0.4 * np.sqrt(0.75)
    assert _colours(scene, rim)[0] == pytest.approx([light * GREY] * 3, abs=0.5)
