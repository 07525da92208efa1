"""Isomorphic cells, and only they, share canonical form and hash."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.nas.space.canonical import canonical, canonical_cell, genotype_hash
from tasks.nas.space.published import PUBLISHED, published
from tasks.nas.types import (
    MAX_BLOCKS,
    NUM_INPUTS,
    Block,
    Cell,
    Combiner,
    Edge,
    Genotype,
    Operation,
    unused_blocks,
)
from tests.support.nas.genotypes import cells, genotypes, relabellings

QUICK = settings(deadline=None)  # a busy machine is no fault of the code
FEW = (Operation.IDENTITY, Operation.CONV_1X1)


@QUICK
@given(genotypes(), relabellings(), relabellings())
def test_relabelling_keeps_form_and_hash(genotype, relabel, relabel_too) -> None:
    twin = Genotype(relabel(genotype.normal), relabel_too(genotype.reduce))
    assert canonical(twin) == canonical(genotype)
    assert genotype_hash(twin) == genotype_hash(genotype)


@QUICK
@given(cells())
def test_the_canonical_form_is_isomorphic_and_its_own(cell) -> None:
    found = canonical_cell(cell)
    assert canonical_cell(found) == found
    assert is_isomorphic(found, cell)


@QUICK
@given(
    cells(num_blocks=3, operations=FEW, combiners=(Combiner.ADD,)),
    relabellings(3),
    st.integers(0, 2),
    st.integers(0, 3),
)
def test_forms_are_equal_exactly_for_isomorphic_cells(cell, relabel, index, source) -> None:
    """Rewiring one edge leaves the operations alone, so only the graph can tell."""
    block = cell.blocks[index]
    rewired = Block(Edge(source % (index + 2), block.left.operation), block.right)
    blocks = (*cell.blocks[:index], rewired, *cell.blocks[index + 1 :])
    one, other = (relabel(Cell(each, unused_blocks(each))) for each in (cell.blocks, blocks))
    assert (canonical_cell(one) == canonical_cell(other)) == is_isomorphic(one, other)


@QUICK
@given(genotypes(), st.integers(0, 4), st.integers(1, len(Operation) - 1))
def test_another_operation_is_another_hash(genotype, index, step) -> None:
    cell = genotype.normal
    block = cell.blocks[index]
    known = list(Operation)
    other = known[(known.index(block.left.operation) + step) % len(known)]
    changed = Block(Edge(block.left.source, other), block.right, block.combiner)
    blocks = (*cell.blocks[:index], changed, *cell.blocks[index + 1 :])
    twin = Genotype(Cell(blocks, cell.concat), genotype.reduce)
    assert genotype_hash(twin) != genotype_hash(genotype)


def test_normal_and_reduction_cells_are_told_apart() -> None:
    nasnet_a = published("nasnet_a")
    assert genotype_hash(Genotype(nasnet_a.reduce, nasnet_a.normal)) != genotype_hash(nasnet_a)
    assert len({genotype_hash(each) for each in PUBLISHED.values()}) == len(PUBLISHED)


def test_the_hash_is_fixed() -> None:
    """Stores keep it: a change of the form must be seen, and raise its version."""
    assert genotype_hash(published("nasnet_a"))[:16] == "2ec002bc205e5c33"


def test_the_largest_cell_of_twins_takes_no_time() -> None:
    twin = Block(Edge(0, FEW[0]), Edge(1, FEW[0]))
    cell = Cell((twin,) * MAX_BLOCKS, tuple(range(NUM_INPUTS, NUM_INPUTS + MAX_BLOCKS)))
    start = time.process_time()
    assert canonical_cell(cell) == cell
    assert time.process_time() - start < 2.0


def is_isomorphic(one: Cell, other: Cell) -> bool:
    """By trying all numberings."""
    return any(
        described(one, dict(enumerate(order, NUM_INPUTS)))
        == described(other, {state: state for state in range(other.num_states)})
        for order in itertools.permutations(range(NUM_INPUTS, one.num_states))
    )


def described(cell: Cell, numbers: dict[int, int]) -> tuple[object, ...]:
    numbers = {0: 0, 1: 1} | numbers
    blocks = {
        numbers[state]: (
            sorted((numbers[edge.source], edge.operation) for edge in block.edges),
            block.combiner,
        )
        for state, block in enumerate(cell.blocks, NUM_INPUTS)
    }
    return blocks, sorted(numbers[state] for state in cell.concat)


@pytest.mark.hostile
def test_blocks_that_all_look_alike_are_refused_soon() -> None:
    """Eight leaves, each read in another way, have 40,320 orders; ten would take hours."""
    leaf = Block(Edge(0, Operation.IDENTITY), Edge(1, Operation.IDENTITY))
    pairs = itertools.combinations(range(NUM_INPUTS, NUM_INPUTS + 8), 2)
    operations = itertools.cycle(Operation)
    readers = [
        Block(Edge(a, next(operations)), Edge(b, next(operations)))
        for a, b in itertools.islice(pairs, MAX_BLOCKS - 8)
    ]
    blocks = (*[leaf] * 8, *readers)
    with pytest.raises(DataError, match="16 blocks look alike to be told apart; use fewer"):
        canonical_cell(Cell(blocks, unused_blocks(blocks)))
