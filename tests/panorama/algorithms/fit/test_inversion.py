from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.grid_field import GridField, nodes
from tasks.panorama.algorithms.fit.inversion import (
    inverse_field,
    largest_strain,
    smallest_determinant,
)
from tasks.panorama.algorithms.fit.spline import SplineField, cell_px

WIDTH_PX, HEIGHT_PX = 192, 256


def _wavy(amplitude_px: float) -> SplineField:
    control = np.random.default_rng(5).uniform(-amplitude_px, amplitude_px, (12, 10, 2))
    return SplineField(control, WIDTH_PX, HEIGHT_PX)


def test_round_trip_of_a_smooth_field() -> None:
    field = _wavy(3.0)
    inverse, invertible = inverse_field(field, WIDTH_PX, HEIGHT_PX, 2.0)
    assert invertible
    points = np.random.default_rng(6).uniform(8, 180, (200, 2))
    warped = points + field.sample(points)
    np.testing.assert_allclose(warped + inverse.sample(warped), points, atol=0.05)


def test_a_shift_is_inverted_also_outside_the_image() -> None:
    field = SplineField(np.full((12, 10, 2), 20.0), WIDTH_PX, HEIGHT_PX)
    inverse, invertible = inverse_field(field, WIDTH_PX, HEIGHT_PX, 16.0)
    assert invertible
    outside = np.array([[WIDTH_PX + 19.0, HEIGHT_PX + 19.0], [-10.0, -10.0]])
    np.testing.assert_allclose(inverse.sample(outside), np.full((2, 2), -20.0), atol=1e-6)


def test_a_fold_is_seen() -> None:
    assert not inverse_field(_wavy(60.0), WIDTH_PX, HEIGHT_PX, 4.0)[1]


@pytest.mark.parametrize("dense", [False, True])
def test_strain_and_area_of_a_stretch(dense: bool) -> None:
    spacing = cell_px(WIDTH_PX, 10)
    control = np.zeros((12, 10, 2))
    control[..., 0] = 0.05 * ((np.arange(10) - 1) * spacing - 0.5)
    field: SplineField | GridField = SplineField(control, WIDTH_PX, HEIGHT_PX)
    if dense:
        x, _ = np.meshgrid(nodes(WIDTH_PX, 4.0), nodes(HEIGHT_PX, 4.0))
        field = GridField(np.stack([0.05 * x, 0 * x], -1), 4.0)
    inner = (WIDTH_PX - 4, HEIGHT_PX - 4)
    assert largest_strain(field, *inner, 4.0) == pytest.approx(0.05, rel=1e-6)
    assert smallest_determinant(field, *inner, 4.0) == pytest.approx(1.05, rel=1e-6)
