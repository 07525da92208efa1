from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.fit.spline import SplineField, basis, cell_px, control_shape

WIDTH_PX, HEIGHT_PX = 96, 128


def _greville(size_px: int, num_control: int) -> np.ndarray:
    """Positions whose values as control points reproduce a linear function."""
    spacing = cell_px(size_px, num_control)
    return (np.arange(num_control) - 1) * spacing - 0.5


def _linear_field(matrix: np.ndarray, offset: np.ndarray) -> SplineField:
    rows, columns = control_shape(WIDTH_PX, HEIGHT_PX, 9)
    x, y = np.meshgrid(_greville(WIDTH_PX, columns), _greville(HEIGHT_PX, rows))
    return SplineField(np.stack([x, y], -1) @ matrix.T + offset, WIDTH_PX, HEIGHT_PX)


def _random_field(seed: int) -> SplineField:
    control = np.random.default_rng(seed).normal(size=(12, 10, 2))
    return SplineField(control, WIDTH_PX, HEIGHT_PX)


def test_control_grid_follows_the_image() -> None:
    assert control_shape(768, 1024, 9) == (12, 10)
    assert control_shape(1024, 768, 9) == (10, 12)
    assert control_shape(4000, 100, 9) == (4, 12)


@given(st.floats(-0.5, 95.5), st.integers(0, 2))
def test_weights_sum_to_one_and_derivatives_to_zero(position: float, derivative: int) -> None:
    first, weights = basis(np.array([position]), WIDTH_PX, 10, derivative)
    assert 0 <= first[0] <= 6
    assert weights.sum() == pytest.approx(float(derivative == 0), abs=1e-12)


def test_reproduces_an_affine_field_and_its_gradient() -> None:
    matrix, offset = np.array([[0.01, -0.02], [0.03, 0.04]]), np.array([1.5, -2.0])
    field = _linear_field(matrix, offset)
    points = np.random.default_rng(0).uniform(0, (WIDTH_PX - 1, HEIGHT_PX - 1), (50, 2))
    np.testing.assert_allclose(field.sample(points), points @ matrix.T + offset, atol=1e-12)
    np.testing.assert_allclose(
        field.gradient(points), np.broadcast_to(matrix, (50, 2, 2)), atol=1e-12
    )
    assert field.bending() == pytest.approx(0.0, abs=1e-20)


def test_bending_of_a_parabola_is_its_second_derivative() -> None:
    field = _linear_field(np.zeros((2, 2)), np.zeros(2))
    rows, columns = field.control_px.shape[:2]
    x, y = np.meshgrid(_greville(WIDTH_PX, columns), _greville(HEIGHT_PX, rows))
    control = np.stack([0.5 * 0.003 * x**2, 0.002 * x * y], -1)
    curved = SplineField(control, WIDTH_PX, HEIGHT_PX)
    assert curved.bending() == pytest.approx(0.003**2 + 2 * 0.002**2, rel=1e-9)


def test_gradient_agrees_with_differences() -> None:
    field = _random_field(1)
    points = np.random.default_rng(2).uniform(1, 90, (40, 2))
    for axis in range(2):
        step = np.zeros(2)
        step[axis] = 1e-5
        slope = (field.sample(points + step) - field.sample(points - step)) / 2e-5
        np.testing.assert_allclose(field.gradient(points)[:, :, axis], slope, atol=1e-7)


def test_lattice_agrees_with_points() -> None:
    field = _random_field(3)
    x_px, y_px = np.linspace(-0.5, 95.5, 7), np.linspace(-0.5, 127.5, 5)
    points = np.stack(np.meshgrid(x_px, y_px), -1).reshape(-1, 2)
    np.testing.assert_allclose(
        field.on_lattice(x_px, y_px).reshape(-1, 2), field.sample(points), atol=1e-12
    )
    np.testing.assert_allclose(
        field.on_lattice(x_px, y_px, dx=1).reshape(-1, 2),
        field.gradient(points)[:, :, 0],
        atol=1e-12,
    )


def test_continues_beyond_the_image_with_its_border() -> None:
    field = _random_field(4)
    far = field.sample(np.array([[-80.0, 50.0], [500.0, 500.0]]))
    border = field.sample(np.array([[-0.5, 50.0], [95.5, 127.5]]))
    np.testing.assert_allclose(far, border)
