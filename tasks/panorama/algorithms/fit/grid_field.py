"""A warp field as values on a regular grid, interpolated bilinearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.types import FloatArray


@dataclass(frozen=True)
class GridField:
    """Displacements of one image on a grid.

    Beyond the grid the field continues with its value on the grid's border.

    Attributes:
        values_px: (rows, columns, 2) displacements at the nodes, px of the image; at least
            2 x 2 nodes.
        step_px: Distance between nodes.
        origin_px: Position ``(x, y)`` of the first node.
    """

    values_px: FloatArray
    step_px: float
    origin_px: tuple[float, float] = (0.0, 0.0)

    def sample(self, points_px: FloatArray) -> FloatArray:
        """Displacement at points: (n, 2) px of the source image -> (n, 2) px."""
        rows, columns = self.values_px.shape[:2]
        position = (np.asarray(points_px, np.float64) - self.origin_px) / self.step_px
        position = np.clip(position, 0.0, np.array([columns - 1.0, rows - 1.0]))
        first = np.minimum(position.astype(np.int64), (columns - 2, rows - 2))
        x, y = first[:, 0], first[:, 1]
        t = position - first
        right, down = t[:, :1], t[:, 1:]
        upper = self.values_px[y, x] * (1 - right) + self.values_px[y, x + 1] * right
        lower = self.values_px[y + 1, x] * (1 - right) + self.values_px[y + 1, x + 1] * right
        return np.asarray(upper * (1 - down) + lower * down)


def nodes(size_px: int, step_px: float, margin_px: float = 0.0) -> FloatArray:
    """Positions of grid nodes along an axis, from -margin to at least size - 1 + margin.

    Args:
        size_px: Length of the axis.
        step_px: Distance between nodes.
        margin_px: How far the nodes reach beyond the image.

    Returns:
        (n,) positions, n >= 2.
    """
    count = int(np.ceil((size_px - 1 + 2 * margin_px) / step_px)) + 1
    return np.asarray(step_px * np.arange(max(2, count)) - margin_px, np.float64)
