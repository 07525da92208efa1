"""Shadows and rasters."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.scenes.workshop import Workshop


def _shop(focal_px: float = 300.0) -> Workshop:
    shop = Workshop(np.random.default_rng(0), focal_px, 2.0)
    shop.builder.sun = (0.6, -0.8, 0.0)
    return shop


def _factor(light, x_m: float, z_m: float) -> float:
    size = light.factors.shape[0]
    scale = size / (2 * light.half_size_m)
    return float(
        light.factors[
            int((z_m + light.half_size_m) * scale), int((x_m + light.half_size_m) * scale)
        ]
    )


def test_a_box_throws_its_shadow_away_from_the_sun():
    shop = _shop()
    shop.shadow_of_box((-1.0, -1.0), (1.0, 1.0), shop.ground_y_m - 4.0)
    light = shop.ground_light()
    # 4 m high, the sun at 4 to 3: the shadow reaches 3 m further to -x.
    assert _factor(light, -3.0, 0.0) == pytest.approx(0.62, abs=0.03)
    assert _factor(light, -4.8, 0.0) == pytest.approx(1.0, abs=0.03)
    assert _factor(light, 2.2, 0.0) == pytest.approx(1.0, abs=0.03)
    assert _factor(light, -3.0, 2.0) == pytest.approx(1.0, abs=0.03)


def test_what_hangs_leaves_the_ground_below_it_lit():
    shop = _shop()
    shop.shadow_of_disc((0.0, 0.0), 0.5, shop.ground_y_m - 4.0, shop.ground_y_m - 5.0)
    light = shop.ground_light()
    assert _factor(light, 0.0, 0.0) == pytest.approx(1.0, abs=0.03)
    assert _factor(light, -3.4, 0.0) == pytest.approx(0.62, abs=0.05)


def test_no_sun_no_shadow_but_contact():
    shop = _shop()
    shop.shadow_of_box((-1.0, -1.0), (1.0, 1.0), 0.0)
    light = shop.ground_light(has_sun=False)
    assert _factor(light, 0.0, 0.0) < 0.5
    assert _factor(light, -2.5, 0.0) == pytest.approx(1.0, abs=0.03)


def test_rasters_follow_the_distance_up_to_a_limit():
    shop = _shop()
    assert shop.canvas(1.0, 1.0, 3.0).texels_per_m == pytest.approx(110.0)
    assert shop.canvas(1.0, 1.0, 6.0).texels_per_m == pytest.approx(55.0)
    huge = shop.canvas(100.0, 100.0, 1.0)
    assert huge.texels_per_m * 100.0 == pytest.approx(np.sqrt(3.0e6))


def test_the_sky_is_pale_and_nearly_even():
    picture = _shop().sky().picture
    assert picture.max() <= 216.0
    assert picture.min() > 120.0
    steps = np.abs(np.diff(picture.mean(axis=2), axis=1))
    assert steps.mean() < 1.0
