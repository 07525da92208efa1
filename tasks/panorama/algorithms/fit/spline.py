"""A warp field as a uniform cubic B-spline.

Source: Rueckert, Sonoda, Hayes, Hill, Leach, Hawkes, "Nonrigid Registration Using Free-Form
Deformations: Application to Breast MR Images" (IEEE TMI 1999), section II-B, for the field;
Krainin & Liu, "Seamless Google Street View Panoramas" (Google Research blog, 2017), for its
use on panoramas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.types import FloatArray, IntArray

_ORDER = 4  # control points that act on a point, per axis


@dataclass(frozen=True)
class SplineField:
    """Displacements of one image as a sum of cubic B-splines over a control grid.

    The cells between the knots cover the image from edge to edge (from -0.5 to size - 0.5);
    one ring of control points lies outside. Beyond the image the field continues with its
    value on the border.

    Attributes:
        control_px: (rows, columns, 2) displacements of the control points, px of the image.
        width_px: Image width.
        height_px: Image height.
    """

    control_px: FloatArray
    width_px: int
    height_px: int

    def sample(self, points_px: FloatArray) -> FloatArray:
        """Displacement at points: (n, 2) px of the source image -> (n, 2) px."""
        along_x, along_y = self._bases(points_px, derivative=0)
        return self._combine(along_x, along_y)

    def gradient(self, points_px: FloatArray) -> FloatArray:
        """Derivative of the displacement: (n, 2) px -> (n, 2, 2), component by axis x, y."""
        along_x, along_y = self._bases(points_px, derivative=0)
        slope_x, slope_y = self._bases(points_px, derivative=1)
        return np.stack([self._combine(slope_x, along_y), self._combine(along_x, slope_y)], axis=-1)

    def on_lattice(
        self, x_px: FloatArray, y_px: FloatArray, dx: int = 0, dy: int = 0
    ) -> FloatArray:
        """Displacement, or one of its derivatives, on the lattice of columns and rows.

        Args:
            x_px: (columns,) positions.
            y_px: (rows,) positions.
            dx: Order of the derivative along x, 0 to 2.
            dy: Order of the derivative along y, 0 to 2.

        Returns:
            (rows, columns, 2), px per px^(dx + dy).
        """
        rows, columns = self.control_px.shape[:2]
        along_x = _dense_basis(x_px, self.width_px, columns, dx)
        along_y = _dense_basis(y_px, self.height_px, rows, dy)
        return np.asarray(
            np.einsum("yr,rck,xc->yxk", along_y, self.control_px, along_x, optimize=True)
        )

    def bending(self, step_px: float = 4.0) -> float:
        """Mean of u_xx^2 + 2 u_xy^2 + u_yy^2 over the image, both components, 1/px^2."""
        x_px = np.arange(0.0, self.width_px, step_px)
        y_px = np.arange(0.0, self.height_px, step_px)
        u_xx = self.on_lattice(x_px, y_px, dx=2)
        u_xy = self.on_lattice(x_px, y_px, dx=1, dy=1)
        u_yy = self.on_lattice(x_px, y_px, dy=2)
        return float(np.mean(np.sum(u_xx**2 + 2 * u_xy**2 + u_yy**2, axis=-1)))

    def _bases(
        self, points_px: FloatArray, derivative: int
    ) -> tuple[tuple[IntArray, FloatArray], tuple[IntArray, FloatArray]]:
        rows, columns = self.control_px.shape[:2]
        points = np.asarray(points_px, np.float64)
        return (
            basis(points[:, 0], self.width_px, columns, derivative),
            basis(points[:, 1], self.height_px, rows, derivative),
        )

    def _combine(
        self, along_x: tuple[IntArray, FloatArray], along_y: tuple[IntArray, FloatArray]
    ) -> FloatArray:
        (first_x, weights_x), (first_y, weights_y) = along_x, along_y
        four = np.arange(_ORDER)
        control = self.control_px[
            (first_y[:, None] + four)[:, :, None], (first_x[:, None] + four)[:, None, :]
        ]
        by_row = np.einsum("nj,njic->nic", weights_y, control)
        return np.asarray(np.einsum("ni,nic->nc", weights_x, by_row))


def rounded(field: SplineField) -> SplineField:
    """The field with control points on multiples of 1e-6 px, the same on every machine.

    The last bits of a solution depend on how many threads the linear algebra used.
    """
    control_px = np.round(field.control_px, 6) + 0.0  # no negative zeros
    return SplineField(control_px, field.width_px, field.height_px)


def control_shape(width_px: int, height_px: int, num_cells: int) -> tuple[int, int]:
    """Rows and columns of control points for an image.

    Args:
        width_px: Image width.
        height_px: Image height.
        num_cells: Cells along the longer side; the shorter side gets as many as keep the
            cells nearest to square.

    Returns:
        ``(rows, columns)``.
    """
    side_px = max(width_px, height_px) / num_cells
    columns, rows = (max(1, round(size / side_px)) for size in (width_px, height_px))
    return rows + _ORDER - 1, columns + _ORDER - 1


def cell_px(size_px: int, num_control: int) -> float:
    """Distance between knots of an axis of ``size_px`` with so many control points."""
    return size_px / (num_control - _ORDER + 1)


def basis(
    positions_px: FloatArray, size_px: int, num_control: int, derivative: int = 0
) -> tuple[IntArray, FloatArray]:
    """The four control points that act on each position of an axis, and their weights.

    Args:
        positions_px: (n,) positions along the axis; clamped to the image.
        size_px: Length of the axis.
        num_control: Control points along the axis.
        derivative: Order of the derivative, 0 to 2.

    Returns:
        (n,) index of the first of four consecutive control points, and (n, 4) weights.
    """
    spacing = cell_px(size_px, num_control)
    position = (np.clip(positions_px, -0.5, size_px - 0.5) + 0.5) / spacing
    first = np.clip(np.floor(position).astype(np.int64), 0, num_control - _ORDER)
    return first, _weights(position - first, derivative) / spacing**derivative


def _weights(t: FloatArray, derivative: int) -> FloatArray:
    """Uniform cubic B-spline over one cell, t in [0, 1]: Rueckert et al., equation (2)."""
    s = 1.0 - t
    if derivative == 0:
        columns = [s**3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (3 * s**3 - 6 * s**2 + 4) / 6, t**3 / 6]
    elif derivative == 1:
        columns = [-(s**2) / 2, 1.5 * t**2 - 2 * t, 2 * s - 1.5 * s**2, t**2 / 2]
    else:
        columns = [s, 3 * t - 2, 3 * s - 2, t]
    return np.stack(columns, axis=-1)


def _dense_basis(
    positions_px: FloatArray, size_px: int, num_control: int, derivative: int
) -> FloatArray:
    first, weights = basis(np.asarray(positions_px, np.float64), size_px, num_control, derivative)
    matrix = np.zeros((len(first), num_control))
    for i in range(_ORDER):
        matrix[np.arange(len(first)), first + i] = weights[:, i]
    return matrix
