"""A cell with weights: wiring, channels, resolutions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.cell import NetworkCell, State
from tasks.nas.types import Block, Cell, Combiner, Edge, Operation

IDENTITY = Operation.IDENTITY
AVERAGE = Operation.AVG_POOL_3X3


def built(cell: Cell, previous=State(8, 0), current=State(8, 0), stride=1) -> NetworkCell:  # noqa: B008
    return NetworkCell(cell, previous, current, 4, stride, depth=1.0).eval()


def plain(module: NetworkCell) -> NetworkCell:
    """Let the inputs through as they are."""
    module.inputs = nn.ModuleList([nn.Identity(), nn.Identity()])
    return module


def test_blocks_add_or_concatenate_and_the_output_has_what_is_named() -> None:
    cell = Cell(
        (
            Block(Edge(0, IDENTITY), Edge(1, IDENTITY), Combiner.CONCAT),
            Block(Edge(1, IDENTITY), Edge(1, IDENTITY), Combiner.ADD),
        ),
        (0, 2, 3),
    )
    module = plain(built(cell))
    previous, current = torch.rand(2, 1, 4, 3, 3).unbind(0)
    expected = torch.cat([previous, previous, current, 2 * current], dim=1)
    torch.testing.assert_close(module(previous, current), expected)
    assert module.output == State(16, 0)


def test_a_concatenated_state_is_narrowed_by_what_reads_it() -> None:
    cell = Cell(
        (
            Block(Edge(0, IDENTITY), Edge(1, AVERAGE), Combiner.CONCAT),
            Block(Edge(2, IDENTITY), Edge(2, Operation.MAX_POOL_5X5)),
        ),
        (3,),
    )
    module = built(cell)
    assert module(*torch.rand(2, 1, 8, 5, 5).unbind(0)).shape == (1, 4, 5, 5)


def test_a_reduction_cell_strides_on_inputs_only() -> None:
    cell = Cell(
        (
            Block(Edge(0, AVERAGE), Edge(1, Operation.SEP_CONV_3X3)),
            Block(Edge(2, AVERAGE), Edge(1, IDENTITY)),
        ),
        (1, 2, 3),
    )
    module = built(cell, stride=2)
    assert module(*torch.rand(2, 1, 8, 9, 9).unbind(0)).shape == (1, 12, 5, 5)
    assert module.output == State(12, 1)


def test_a_finer_previous_state_is_brought_to_the_resolution() -> None:
    cell = Cell((Block(Edge(0, IDENTITY), Edge(1, IDENTITY)),), (2,))
    module = built(cell, previous=State(6, 1), current=State(8, 2))
    found = module(torch.rand(1, 6, 9, 9), torch.rand(1, 8, 5, 5))
    assert found.shape == (1, 4, 5, 5)


def test_the_first_cell_reads_the_stem_twice() -> None:
    cell = Cell((Block(Edge(0, IDENTITY), Edge(1, IDENTITY)),), (0, 2))
    module = built(cell, previous=None, current=State(12, 0))
    current = torch.rand(1, 12, 5, 5)
    found = module(torch.full((1, 1, 1, 1), float("nan")), current)
    assert found.shape == (1, 8, 5, 5)
    assert found.isfinite().all()


def test_an_input_that_nothing_reads_has_no_weights() -> None:
    cell = Cell((Block(Edge(1, IDENTITY), Edge(1, IDENTITY)),), (2,))
    module = built(cell)
    assert not list(module.inputs[0].parameters())
    assert list(module.inputs[1].parameters())


def test_a_shared_relu_changes_nothing_for_pools() -> None:
    cell = Cell((Block(Edge(1, Operation.CONV_1X1), Edge(1, AVERAGE)),), (2,))
    module = plain(built(cell))
    nn.init.zeros_(module.operations[0][0].weight)
    state = torch.full((1, 4, 3, 3), -2.0)
    torch.testing.assert_close(module(state, state), state)


@pytest.mark.parametrize(("operation", "is_dropped"), [(IDENTITY, False), (AVERAGE, True)])
def test_every_path_but_the_identity_is_dropped(operation, is_dropped) -> None:
    cell = Cell((Block(Edge(1, operation), Edge(1, operation)),), (2,))
    module = plain(built(cell)).train()
    module.drop_path.schedule(0.999, 1.0)
    torch.manual_seed(0)
    found = module(*torch.ones(2, 4, 4, 3, 3).unbind(0))
    assert bool(found.eq(0).all()) == is_dropped
