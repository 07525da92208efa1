"""Inverse of a warp field: which pixel of the source lands at a warped position.

A fixed-point iteration p <- q - f(p). Source: Chen, Lu, Chen, Ruchala, Olivera, "A simple
fixed-point approach to invert a deformation field" (Medical Physics 2008). It converges
wherever the field's gradient is smaller than 1, which a field without folds and with small
strain keeps.
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.fit.grid_field import GridField, nodes
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.types import DisplacementField, FloatArray

_NUM_ITERATIONS = 30
_TOLERANCE_PX = 1e-3


def inverse_field(
    field: DisplacementField, width_px: int, height_px: int, step_px: float
) -> tuple[GridField, bool]:
    """Invert a field on a coarse grid.

    Args:
        field: Displacement f of the source image.
        width_px: Width of the source image.
        height_px: Height of the source image.
        step_px: Distance between the grid's nodes.

    Returns:
        The inverse: ``p = q + inverse(q)`` solves ``p + f(p) = q``, for q on the image and
        around it as far as the field moves the image's edge. And whether the field is
        invertible: it folds nowhere and the iteration converged.
    """
    margin_px = step_px * np.ceil(_largest_px(field, width_px, height_px) / step_px)
    x_px = nodes(width_px, step_px, margin_px)
    y_px = nodes(height_px, step_px, margin_px)
    warped = np.stack(np.meshgrid(x_px, y_px), axis=-1).reshape(-1, 2)
    inverse, converged = _fixed_point(field, warped)
    values = inverse.reshape(len(y_px), len(x_px), 2)
    grid = GridField(values, step_px, (float(x_px[0]), float(y_px[0])))
    return grid, converged and smallest_determinant(field, width_px, height_px, step_px) > 0.0


def smallest_determinant(
    field: DisplacementField, width_px: int, height_px: int, step_px: float
) -> float:
    """Least area ratio of the warp p -> p + f(p) over the image; zero or less is a fold."""
    slopes = slopes_on_grid(field, width_px, height_px, step_px)
    determinant = (1 + slopes[..., 0, 0]) * (1 + slopes[..., 1, 1]) - (
        slopes[..., 0, 1] * slopes[..., 1, 0]
    )
    return float(determinant.min())


def largest_strain(
    field: DisplacementField, width_px: int, height_px: int, step_px: float
) -> float:
    """Largest local change of shape: spectral norm of the field's symmetric gradient."""
    slopes = slopes_on_grid(field, width_px, height_px, step_px)
    xx, yy = slopes[..., 0, 0], slopes[..., 1, 1]
    xy = 0.5 * (slopes[..., 0, 1] + slopes[..., 1, 0])
    norm = np.abs(0.5 * (xx + yy)) + np.hypot(0.5 * (xx - yy), xy)
    return float(norm.max())


def slopes_on_grid(
    field: DisplacementField, width_px: int, height_px: int, step_px: float
) -> FloatArray:
    """Gradient of a field on a grid over the image, (rows, columns, 2, 2), component by axis.

    Exact for a spline; differences of neighbours for any other field.
    """
    x_px, y_px = nodes(width_px, step_px), nodes(height_px, step_px)
    if isinstance(field, SplineField):
        inside_x, inside_y = np.minimum(x_px, width_px - 1), np.minimum(y_px, height_px - 1)
        return np.stack(
            [
                field.on_lattice(inside_x, inside_y, dx=1),
                field.on_lattice(inside_x, inside_y, dy=1),
            ],
            axis=-1,
        )
    lattice = np.stack(np.meshgrid(x_px, y_px), axis=-1)
    values = field.sample(lattice.reshape(-1, 2)).reshape(lattice.shape)
    along_y, along_x = np.gradient(values, step_px, axis=(0, 1))
    return np.stack([along_x, along_y], axis=-1)


def _largest_px(field: DisplacementField, width_px: int, height_px: int) -> float:
    x_px, y_px = np.linspace(0, width_px - 1, 33), np.linspace(0, height_px - 1, 33)
    lattice = np.stack(np.meshgrid(x_px, y_px), axis=-1).reshape(-1, 2)
    return float(np.abs(field.sample(lattice)).max())


def _fixed_point(field: DisplacementField, warped_px: FloatArray) -> tuple[FloatArray, bool]:
    inverse = -field.sample(warped_px)
    for _ in range(_NUM_ITERATIONS):
        update = -field.sample(warped_px + inverse)
        change_px = float(np.abs(update - inverse).max(initial=0.0))
        inverse = update
        if change_px < _TOLERANCE_PX:
            return inverse, True
    return inverse, False
