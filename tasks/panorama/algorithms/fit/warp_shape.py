"""Shape of a warp: bending energy, strain, folds, size, on one grid for all methods.

Everything is in output pixels: displacement and place are both scaled by the panorama pixels
that a source pixel covers at the image's centre, ``4096 / (2 pi f)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.fit.inversion import largest_strain, smallest_determinant
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.metrics.misalignment import FIGURE_WIDTH_PX
from tasks.panorama.types import Camera, DisplacementField, FloatArray

GRID_STEP_PX = 16


@dataclass(frozen=True)
class WarpShape:
    """Shape of one image's warp.

    Attributes:
        bending: Mean over the image of ``u_xx^2 + 2 u_xy^2 + u_yy^2``, both components summed,
            per output px squared.
        max_strain: Largest local change of shape (`largest_strain`).
        min_determinant: Smallest determinant of the warp's Jacobian; a fold has none above 0.
        mean_px: Mean displacement, output px.
        p95_px: 95th percentile of the displacement, output px.
    """

    bending: float
    max_strain: float
    min_determinant: float
    mean_px: float
    p95_px: float

    @property
    def has_fold(self) -> bool:
        """Whether the warp turns a part of the image over."""
        return self.min_determinant <= 0.0


_AT_REST = WarpShape(0.0, 0.0, 1.0, 0.0, 0.0)


def measure_warp(
    field: DisplacementField | None, camera: Camera, step_px: int = GRID_STEP_PX
) -> WarpShape:
    """Measure the warp of one image over its whole area.

    Args:
        field: The warp; None for none.
        camera: The image's camera.
        step_px: Of the grid; finer where bending of a high frequency counts.
    """
    if field is None:
        return _AT_REST
    scale = output_px_per_source_px(camera)
    x_px = np.arange(0, camera.width_px, step_px, dtype=float)
    y_px = np.arange(0, camera.height_px, step_px, dtype=float)
    moved = scale * displacements_on(field, x_px, y_px)
    length = np.linalg.norm(moved, axis=2)
    grid = (camera.width_px, camera.height_px, float(step_px))
    return WarpShape(
        bending=_bending(moved, scale * step_px),
        max_strain=largest_strain(field, *grid),
        min_determinant=smallest_determinant(field, *grid),
        mean_px=float(length.mean()),
        p95_px=float(np.percentile(length, 95.0)),
    )


def mean_bending(shapes: list[WarpShape]) -> float:
    """Mean bending over the images of a capture."""
    return float(np.mean([shape.bending for shape in shapes]))


def output_px_per_source_px(camera: Camera) -> float:
    """Panorama pixels that a source pixel covers at the centre of an image."""
    focal_px = float(np.sqrt(camera.params[0] * camera.params[1]))
    return FIGURE_WIDTH_PX / (2 * np.pi * focal_px)


def displacements_on(field: DisplacementField, x_px: FloatArray, y_px: FloatArray) -> FloatArray:
    """Displacement in source px on the lattice of columns and rows, (rows, columns, 2)."""
    if isinstance(field, SplineField):  # the same values, ten times faster
        return field.on_lattice(x_px, y_px)
    points = np.stack(np.meshgrid(x_px, y_px), axis=-1)
    return np.asarray(field.sample(points.reshape(-1, 2)), float).reshape(points.shape)


def _bending(moved: FloatArray, step: float) -> float:
    along_x = (moved[1:-1, 2:] - 2 * moved[1:-1, 1:-1] + moved[1:-1, :-2]) / step**2
    along_y = (moved[2:, 1:-1] - 2 * moved[1:-1, 1:-1] + moved[:-2, 1:-1]) / step**2
    twist = (moved[2:, 2:] - moved[2:, :-2] - moved[:-2, 2:] + moved[:-2, :-2]) / (4 * step**2)
    return float((along_x**2 + 2 * twist**2 + along_y**2).sum(axis=2).mean())
