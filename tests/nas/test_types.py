"""Values of the space: what a cell may be, and what it is told if it can't be."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.nas.types import (
    MAX_BLOCKS,
    NASNET_OPERATIONS,
    SPACES,
    Block,
    Cell,
    Combiner,
    Edge,
    Genotype,
    Operation,
    unused_blocks,
)

IDENTITY = Operation.IDENTITY


def block(left: int, right: int) -> Block:
    return Block(Edge(left, IDENTITY), Edge(right, IDENTITY))


def test_the_space_has_the_13_operations_of_the_paper() -> None:
    assert len(NASNET_OPERATIONS) == 13
    assert Operation.DILATED_SEP_CONV_3X3 not in NASNET_OPERATIONS


@pytest.mark.parametrize(
    ("blocks", "concat", "message"),
    [
        ((block(0, 2),), (2,), r"block 0 \(state 2\) reads state 2, which is not made before it"),
        ((block(0, 3), block(0, 2)), (3,), "states 0 to 1, else the cell would hold a cycle"),
        ((block(0, 1), block(2, 7)), (3,), "reads state 7, which doesn't exist"),
        ((block(-1, 1),), (2,), "reads state -1, which doesn't exist"),
        ((block(0, 1),), (2, 3), "concat names state 3, which doesn't exist"),
        ((block(0, 1),), (), "expected one state or more"),
        ((block(0, 1), block(0, 1)), (3, 2), "ascending"),
        ((block(0, 1),), (2, 2), "each once"),
        ((block(0, 1), block(0, 1)), (3,), "state 2 goes nowhere"),
        ((), (0,), "expected 1 to 16 blocks, found 0"),
        ((block(0, 1),) * (MAX_BLOCKS + 1), tuple(range(2, 19)), "found 17"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_fault(blocks, concat, message) -> None:
    with pytest.raises(DataError, match=message):
        Cell(blocks, concat)


def test_unused_blocks_are_those_that_none_reads() -> None:
    assert unused_blocks((block(0, 1), block(2, 1), block(0, 0))) == (3, 4)


def test_a_genotype_names_the_narrowest_space_that_holds_it() -> None:
    def genotype(operation: Operation) -> Genotype:
        cell = Cell((Block(Edge(0, operation), Edge(1, IDENTITY)),), (2,))
        return Genotype(cell, cell)

    assert genotype(Operation.CONV_3X3).space == "nasnet"
    assert genotype(Operation.DILATED_SEP_CONV_5X5).space == "darts"
    mixed = Genotype(
        genotype(Operation.CONV_3X3).normal, genotype(Operation.DILATED_SEP_CONV_5X5).reduce
    )
    assert mixed.space == "all"
    assert set(SPACES["all"]) == set(Operation)
    assert mixed.combiners == {Combiner.ADD}
