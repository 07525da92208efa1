"""Bending, strain and folds of warps given by formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.warp_shape import (
    mean_bending,
    measure_warp,
    output_px_per_source_px,
)
from tasks.panorama.types import Camera

FOCAL_PX = 300.0
CAMERA = Camera("c", 200, 160, "PINHOLE", (FOCAL_PX, FOCAL_PX, 99.5, 79.5), np.eye(3), np.zeros(3))
SCALE = 4096 / (2 * np.pi * FOCAL_PX)


@dataclass(frozen=True)
class _Formula:
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

    def sample(self, points_px):
        return np.column_stack(self.function(points_px[:, 0], points_px[:, 1]))


def test_no_warp_bends_nothing():
    shape = measure_warp(None, CAMERA)
    assert (shape.bending, shape.max_strain, shape.mean_px, shape.has_fold) == (0, 0, 0, False)


def test_affine_warps_do_not_bend():
    shape = measure_warp(_Formula(lambda x, y: (3.0 + 0.02 * x, 0.01 * y - 1.0)), CAMERA)
    assert shape.bending < 1e-20
    assert shape.max_strain == pytest.approx(0.02)
    assert shape.min_determinant == pytest.approx(1.02 * 1.01)


def test_quadratic_warp_has_the_energy_of_its_formula():
    # In output px: u = s p x_out^2 / s^2, so u_xx = 2 p / s; likewise u_xy and v_yy.
    p, q, r = 2e-4, 1e-4, 3e-4
    field = _Formula(lambda x, y: (p * x**2 + q * x * y, r * y**2))
    expected = ((2 * p) ** 2 + 2 * q**2 + (2 * r) ** 2) / SCALE**2
    assert measure_warp(field, CAMERA).bending == pytest.approx(expected, rel=1e-9)


def test_displacement_is_in_output_px():
    shape = measure_warp(_Formula(lambda x, y: (3.0 + 0 * x, 4.0 + 0 * y)), CAMERA)
    assert output_px_per_source_px(CAMERA) == pytest.approx(SCALE)
    assert shape.mean_px == pytest.approx(5.0 * SCALE)
    assert shape.p95_px == pytest.approx(5.0 * SCALE)


def test_a_fold_is_found():
    folded = measure_warp(_Formula(lambda x, y: (-1.2 * np.maximum(x - 100, 0), 0 * y)), CAMERA)
    assert folded.has_fold
    assert folded.min_determinant == pytest.approx(-0.2)
    assert not measure_warp(_Formula(lambda x, y: (-0.5 * x, 0 * y)), CAMERA).has_fold


def test_mean_over_images():
    bent = measure_warp(_Formula(lambda x, y: (1e-4 * x**2, 0 * y)), CAMERA)
    assert mean_bending([bent, measure_warp(None, CAMERA)]) == pytest.approx(bent.bending / 2)
