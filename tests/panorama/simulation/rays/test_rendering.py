"""Pictures of scenes simple enough to be known."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.paint.materials import make_material
from tasks.panorama.simulation.rays.ray_tiles import camera_view, equirect_view
from tasks.panorama.simulation.rays.rendering import render
from tasks.panorama.simulation.rays.surfaces import GroundLight, Scene, SceneBuilder, Sky
from tasks.panorama.types import Camera

CAMERA = Camera("c", 80, 60, "PINHOLE", (70.0, 70.0, 39.5, 29.5), np.eye(3), np.zeros(3))
SKY = Sky(np.full((32, 32, 3), 200.0, np.float32))


def _plain(value: float, *, on_ground: bool = False):
    return make_material(np.full((16, 16, 3), value, np.float32), (1.0, 1.0), on_ground=on_ground)


def _half_wall() -> Scene:
    """A dark wall 4 m ahead that covers the left half of the view, under an even light."""
    builder = SceneBuilder(sun=(0.0, -1.0, 0.0), ambient=1.0)
    dark = builder.material(_plain(60.0))
    builder.flat((-50.0, -50.0, 4.0), (50.0, 0.0, 0.0), (0.0, 100.0, 0.0), dark)
    return builder.build(SKY, None)


def test_wall_and_sky():
    picture = render(_half_wall(), camera_view(CAMERA))
    assert picture.colours[:, :38] == pytest.approx(60.0, abs=0.01)
    assert picture.colours[:, 42:] == pytest.approx(200.0, abs=0.01)
    assert picture.is_sky[:, 40:].all()
    x, y = np.meshgrid(np.arange(40), np.arange(60))
    expected = 4.0 * np.sqrt(1 + ((x - 39.5) ** 2 + (y - 29.5) ** 2) / 70.0**2)
    assert picture.distance_m[:, :40] == pytest.approx(expected, rel=1e-5)


def test_borders_are_smooth():
    """A border at a slant has about as much grey as the area of the pixels that it cuts."""
    builder = SceneBuilder(sun=(0.0, -1.0, 0.0), ambient=1.0)
    dark = builder.material(_plain(60.0))
    builder.flat((-52.5, -50.3, 4.0), (50.0, 8.0, 0.0), (6.0, 100.0, 0.0), dark)
    colours = render(builder.build(SKY, None), camera_view(CAMERA)).colours[..., 0]
    between = (colours > 65.0) & (colours < 195.0)
    assert 30 < between.sum() < 200
    # Rows move by less than a pixel each: with smooth borders their sums move evenly.
    shifts = np.diff(colours.sum(axis=1)) / 140.0
    assert np.abs(shifts - shifts.mean()).max() < 0.35


def test_the_panorama_sees_the_wall_where_it_is():
    picture = render(_half_wall(), equirect_view(256))
    # The wall fills longitudes -90..0 degrees, apart from the far left.
    assert not picture.is_sky[64, 70:127].any()
    assert picture.is_sky[64, 129:].all()
    assert picture.distance_m[64, 127] == pytest.approx(4.0, rel=1e-3)


def test_fine_texture_far_away_is_its_mean():
    rng = np.random.default_rng(0)
    builder = SceneBuilder(sun=(0.0, -1.0, 0.0), ambient=1.0)
    speckled = rng.uniform(0.0, 200.0, (256, 256, 3)).astype(np.float32)
    material = builder.material(make_material(speckled, (0.5, 0.5)))
    builder.flat((-50.0, -50.0, 20.0), (100.0, 0.0, 0.0), (0.0, 100.0, 0.0), material)
    colours = render(builder.build(SKY, None), camera_view(CAMERA)).colours
    assert colours.mean() == pytest.approx(100.0, abs=2.0)
    assert colours.std() < 8.0


def test_faces_are_lit_by_the_sun_and_shadows_fall_on_the_ground():
    builder = SceneBuilder(sun=(0.0, -1.0, 0.0), ambient=0.5)
    grey = builder.material(_plain(100.0, on_ground=True))
    builder.flat((-20.0, 1.0, -20.0), (40.0, 0.0, 0.0), (0.0, 0.0, 40.0), grey)
    factors = np.ones((80, 80), np.float32)
    factors[40:, :40] = 0.5
    picture = render(builder.build(SKY, GroundLight(factors, 20.0)), equirect_view(128))
    # Straight up faces get all of the sun and 8 % from above.
    assert picture.colours[55, 100] == pytest.approx(np.full(3, 108.0), abs=0.5)
    # x < 0 and z > 0: longitudes -90..0, columns 32..64.
    assert picture.colours[55, 48] == pytest.approx(np.full(3, 54.0), abs=0.5)
