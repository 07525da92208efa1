from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.fit.grid_field import GridField, nodes


def test_reproduces_a_bilinear_function_between_nodes() -> None:
    x, y = np.meshgrid(nodes(50, 8.0, 8.0), nodes(30, 8.0, 8.0))
    values = np.stack([0.1 * x - 0.2 * y + 1, 0.01 * x * y], -1)
    field = GridField(values, 8.0, (-8.0, -8.0))
    points = np.random.default_rng(0).uniform((-8, -8), (57, 37), (100, 2))
    expected = np.column_stack(
        [0.1 * points[:, 0] - 0.2 * points[:, 1] + 1, 0.01 * points[:, 0] * points[:, 1]]
    )
    np.testing.assert_allclose(field.sample(points), expected, atol=1e-12)


def test_continues_beyond_the_grid_with_its_border() -> None:
    values = np.arange(8.0).reshape(2, 2, 2)
    field = GridField(values, 4.0)
    np.testing.assert_allclose(
        field.sample(np.array([[-9.0, -9.0], [99.0, 99.0]])), values[[0, 1], [0, 1]]
    )


@given(st.integers(1, 3000), st.floats(1, 64), st.floats(0, 100))
def test_nodes_cover_the_axis_and_its_margin(size: int, step: float, margin: float) -> None:
    positions = nodes(size, step, margin)
    assert positions[0] == -margin
    assert len(positions) >= 2
    assert positions[-1] >= size - 1 + margin - 1e-6
