"""Layers: depths, trunks, room for everything, and few crossings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.nas.pictures.layers import GAP_PX, Layers, Part, lines, place, sides, spread
from tasks.nas.space.published import published
from tasks.nas.types import NUM_INPUTS, Block, Cell, Edge, Operation
from tests.support.nas.genotypes import cells, chain

IDENTITY = Operation.IDENTITY


def test_a_chain_climbs_and_its_input_passes_by() -> None:
    layers = Layers.of(chain(IDENTITY, IDENTITY, IDENTITY))
    assert layers.depths == (0, 0, 1, 2, 3)
    assert layers.tops[1] == 3
    assert layers.parts(2) == [Part(2, 1), Part(2, 3)]
    assert layers.is_trunk(Part(2, 1))
    assert not layers.is_trunk(Part(2, 3))


@settings(deadline=None, max_examples=8)
@given(cells())
def test_parts_of_a_layer_leave_each_other_room(cell) -> None:
    layers = Layers.of(cell)
    places = place(layers)
    for layer in range(layers.num_layers):
        parts = sorted(layers.parts(layer), key=places.__getitem__)
        for left, right in itertools.pairwise(parts):
            room = (layers.width(left) + layers.width(right)) / 2 + GAP_PX
            assert places[right] - places[left] >= room - 1e-6


@settings(deadline=None, max_examples=8)
@given(cells())
def test_every_edge_and_every_concatenated_state_has_its_line(cell) -> None:
    layers = Layers.of(cell)
    found = lines(layers, place(layers))
    into_blocks = [end for _, end, _, _ in found if end is not None and not layers.is_trunk(end)]
    assert len(into_blocks) == 2 * len(cell.blocks)
    outputs = sorted(start.state for start, end, _, _ in found if end is None)
    assert tuple(outputs) == cell.concat


def test_a_cell_that_can_be_drawn_without_crossings_is() -> None:
    cell = Cell(
        (
            Block(Edge(0, IDENTITY), Edge(0, IDENTITY)),
            Block(Edge(1, IDENTITY), Edge(1, IDENTITY)),
            Block(Edge(2, IDENTITY), Edge(0, IDENTITY)),
            Block(Edge(3, IDENTITY), Edge(1, IDENTITY)),
        ),
        (4, 5),
    )
    layers = Layers.of(cell)
    assert num_crossings(lines(layers, place(layers))) == 0


@pytest.mark.parametrize(("name", "normal", "reduce"), [("nasnet_a", 1, 4), ("amoebanet_a", 0, 6)])
def test_published_cells_have_few_crossings(name, normal, reduce) -> None:
    """Trying all orders of NASNet-A's reduction cell finds one with 3: one off the best."""
    for cell, most in zip(
        (published(name).normal, published(name).reduce), (normal, reduce), strict=True
    ):
        layers = Layers.of(cell)
        assert num_crossings(lines(layers, place(layers))) <= most


def test_the_edge_from_the_left_is_drawn_left() -> None:
    cell = Cell((Block(Edge(1, IDENTITY), Edge(0, IDENTITY)),), (2,))
    layers = Layers.of(cell)
    places = {Part(0, 0): 0.0, Part(0, 1): 50.0, Part(1, 2): 25.0}
    assert sides(layers, places, Part(1, NUM_INPUTS)) == (1, 0)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6))
def test_spread_keeps_order_and_room_and_is_nearest(wanted) -> None:
    rooms = [10.0] * len(wanted)
    found = np.array(spread(wanted, rooms))
    assert (np.diff(found) >= 10.0 - 1e-9).all()
    best = np.square(found - wanted).sum()
    rng = np.random.default_rng(0)
    for _ in range(20):  # no feasible neighbour is nearer
        other = found + rng.normal(0, 1.0, len(wanted))
        if (np.diff(other) >= 10.0).all():
            assert np.square(other - wanted).sum() >= best - 1e-9


def num_crossings(found) -> int:
    return sum(
        (a[2] - b[2]) * (a[3] - b[3]) < 0
        for a, b in itertools.combinations(found, 2)
        if a[0].layer == b[0].layer
    )
