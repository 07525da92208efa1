"""The control points of one image, cut into small parameter blocks for the solver.

Tiles of 2 x 2 control points measured best: single points make the problem's bookkeeping slow,
whole images make its normal equations dense.
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.fit.spline import SplineField, basis, cell_px, control_shape
from tasks.panorama.types import FloatArray, IntArray

_SIDE = 2  # control points along a tile's side

_SECOND_DIFFERENCE = {(0, 0): 1.0, (0, 1): -2.0, (0, 2): 1.0}
_MIXED_DIFFERENCE = {(0, 0): 1.0, (0, 1): -1.0, (1, 0): -1.0, (1, 1): 1.0}


class ControlTiles:
    """Control points of one image in tiles, each tile a parameter block.

    Attributes:
        width_px: Image width.
        height_px: Image height.
        shape: Rows and columns of control points.
        blocks: One flat array per tile: x and y displacement of each of its points, px.
    """

    def __init__(self, width_px: int, height_px: int, num_cells: int) -> None:
        """Lay the tiles out; all displacements are zero."""
        self.width_px, self.height_px = width_px, height_px
        self.shape = control_shape(width_px, height_px, num_cells)
        rows, columns = self.shape
        row, column = np.divmod(np.arange(rows * columns), columns)
        self._tiles_across = -(-columns // _SIDE)
        self._tile_of = (row // _SIDE) * self._tiles_across + column // _SIDE
        tile_width = np.minimum(_SIDE, columns - column // _SIDE * _SIDE)
        self._slot_of = (row % _SIDE) * tile_width + column % _SIDE
        self._sizes = 2 * np.bincount(self._tile_of)
        self.blocks = [np.zeros(size) for size in self._sizes]

    @property
    def num_control(self) -> int:
        """Number of control points."""
        return self.shape[0] * self.shape[1]

    def field(self) -> SplineField:
        """The field that the blocks hold."""
        control = np.empty((self.num_control, 2))
        for point, (tile, slot) in enumerate(zip(self._tile_of, self._slot_of, strict=True)):
            control[point] = self.blocks[tile][2 * slot : 2 * slot + 2]
        return SplineField(control.reshape(*self.shape, 2), self.width_px, self.height_px)

    def place(self, points_px: FloatArray) -> IntArray:
        """Number of the first tile that acts on each point: (n, 2) px -> (n,)."""
        first_x, _ = basis(points_px[:, 0], self.width_px, self.shape[1])
        first_y, _ = basis(points_px[:, 1], self.height_px, self.shape[0])
        return first_y // _SIDE * self._tiles_across + first_x // _SIDE

    def design(self, points_px: FloatArray, slopes: FloatArray) -> tuple[IntArray, FloatArray]:
        """Effect of the control points on residuals at points.

        Args:
            points_px: (n, 2) points.
            slopes: (n, 2, 2) derivative of the residuals by the displacement at each point.

        Returns:
            (t,) the tiles that act on the points, and (n, 2, p) the residuals' derivatives by
            the concatenated blocks of those tiles.
        """
        first_x, along_x = basis(points_px[:, 0], self.width_px, self.shape[1])
        first_y, along_y = basis(points_px[:, 1], self.height_px, self.shape[0])
        four = np.arange(4)
        points = (first_y[:, None, None] + four[:, None]) * self.shape[1] + (
            first_x[:, None, None] + four
        )
        weights = along_y[:, :, None] * along_x[:, None, :]
        touched, columns, num_columns = self._columns(points.reshape(len(points_px), -1))
        matrix = np.zeros((len(points_px), num_columns, 2))
        effect = weights.reshape(len(points_px), -1, 1, 1) * slopes[:, None]
        each = np.arange(len(points_px))[:, None]
        for component in range(2):
            matrix[each, columns + component] = effect[..., component]
        return touched, matrix.transpose(0, 2, 1)

    def stencils(self, tile: int, bending: float, ridge: float) -> tuple[IntArray, FloatArray]:
        """Weighted bending and displacement of control points, for those that a tile owns.

        Args:
            tile: The tile; a stencil belongs to the tile of its first control point.
            bending: Weight of second derivatives (per px).
            ridge: Weight of displacements.

        Returns:
            (t,) the tiles involved, and (m, p) residuals' derivatives by their blocks.
        """
        step_x, step_y = (
            cell_px(size, num)
            for size, num in zip((self.width_px, self.height_px), self.shape[::-1], strict=True)
        )
        vertical = {(j, i): value for (i, j), value in _SECOND_DIFFERENCE.items()}
        kinds = [
            (_SECOND_DIFFERENCE, bending / step_x**2),
            (vertical, bending / step_y**2),
            (_MIXED_DIFFERENCE, bending * np.sqrt(2.0) / (step_x * step_y)),
        ]
        if ridge > 0:
            kinds.append(({(0, 0): 1.0}, ridge))
        owned = np.flatnonzero(self._tile_of == tile).tolist()
        rows = [
            entry
            for point in owned
            for kind, weight in kinds
            if (entry := self._entry(point, kind, weight))
        ]
        if not rows:
            return np.empty(0, np.int64), np.empty((0, 0))
        points = np.unique([point for row in rows for point in row])
        touched, columns, num_columns = self._columns(points[None])
        column_of = dict(zip(points.tolist(), columns[0].tolist(), strict=True))
        matrix = np.zeros((2 * len(rows), num_columns))
        for index, row in enumerate(rows):
            for point, value in row.items():
                matrix[2 * index, column_of[point]] = value
                matrix[2 * index + 1, column_of[point] + 1] = value
        return touched, matrix

    def _entry(
        self, point: int, kind: dict[tuple[int, int], float], weight: float
    ) -> dict[int, float]:
        """One stencil that starts at a control point; empty where it leaves the grid."""
        row, column = divmod(point, self.shape[1])
        down, right = (max(key[axis] for key in kind) for axis in range(2))
        if row + down >= self.shape[0] or column + right >= self.shape[1]:
            return {}
        return {
            (row + j) * self.shape[1] + column + i: weight * value for (j, i), value in kind.items()
        }

    def _columns(self, points: IntArray) -> tuple[IntArray, IntArray, int]:
        """Tiles of control points, and each point's first column in their joined blocks."""
        tiles = self._tile_of[points]
        touched, position = np.unique(tiles, return_inverse=True)
        ends = np.cumsum(self._sizes[touched])
        starts = ends - self._sizes[touched]
        columns = starts[position.reshape(points.shape)] + 2 * self._slot_of[points]
        return touched, columns, int(ends[-1])
