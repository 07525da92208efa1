from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.camera.overlaps import (
    largest_connected,
    overlap_shares,
    overlapping_pairs,
)
from tests.support.panorama.rigs import ring_rig


def test_ring():
    # 62 degrees wide, 40 degrees apart: neighbours overlap, the next but one don't.
    rig = ring_rig(9, 40.0)
    assert overlapping_pairs(rig, 0.05) == tuple(
        sorted(tuple(sorted((i, (i + 1) % 9))) for i in range(9))
    )
    assert overlapping_pairs(rig, 0.95) == ()


def test_share_of_half():
    # With a narrow view turned by half of it, half of the image is seen again.
    rig = ring_rig(2, np.degrees(np.arctan(120 / 4000)), focal_px=4000.0)
    assert overlap_shares(rig)[0, 1] == pytest.approx(0.5, abs=0.05)


@given(
    st.integers(0, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(*[st.integers(0, max(n - 1, 0))] * 2), max_size=15 if n else 0),
        )
    )
)
def test_largest_connected_is_that_of_the_graph(case):
    num, pairs = case
    graph = networkx.Graph()
    graph.add_nodes_from(range(num))
    graph.add_edges_from(pairs)
    components = sorted(sorted(c) for c in networkx.connected_components(graph))
    expected = max(components, key=len, default=[])
    assert list(largest_connected(num, pairs)) == expected
