"""Genotypes for tests: any valid cell, and isomorphic twins of it."""

from __future__ import annotations

from hypothesis import strategies as st

from tasks.nas.types import (
    NASNET_OPERATIONS,
    NUM_INPUTS,
    Block,
    Cell,
    Combiner,
    Edge,
    Genotype,
    Operation,
    unused_blocks,
)


def cells(num_blocks=5, operations=NASNET_OPERATIONS, combiners=tuple(Combiner)):
    """Cells that concatenate what no block reads, and perhaps more."""
    states = range(NUM_INPUTS, NUM_INPUTS + num_blocks)
    operation, combiner = st.sampled_from(operations), st.sampled_from(combiners)
    blocks = [st.tuples(*[st.integers(0, state - 1), operation] * 2, combiner) for state in states]
    more = st.tuples(*[st.integers(0, 4 * states.stop)] * 2)  # three quarters name no state
    return st.tuples(st.tuples(*blocks), more).map(_cell)


def genotypes(**kinds):
    """Two cells."""
    return st.tuples(cells(**kinds), cells(**kinds)).map(lambda pair: Genotype(*pair))


def relabellings(num_blocks=5):
    """Functions that put a cell's blocks into another order and swap edges."""
    swaps = st.tuples(*[st.booleans()] * num_blocks)
    return st.tuples(st.permutations(range(num_blocks)), swaps).map(
        lambda drawn: lambda cell: _relabelled(cell, *drawn)
    )


def _cell(drawn):
    rows, more = drawn
    blocks = tuple(Block(Edge(a, x), Edge(b, y), how) for a, x, b, y, how in rows)
    known = {state for state in more if state < NUM_INPUTS + len(blocks)}
    return Cell(blocks, tuple(sorted({*unused_blocks(blocks)} | known)))


def _relabelled(cell, ranks, swaps):
    """Blocks in the order of their ranks, as far as each follows what it reads."""
    waiting = dict(enumerate(cell.blocks, NUM_INPUTS))
    numbers = {state: state for state in range(NUM_INPUTS)}
    blocks = []
    while waiting:
        ready = [s for s, b in waiting.items() if all(e.source in numbers for e in b.edges)]
        state = min(ready, key=lambda state: ranks[state - NUM_INPUTS])
        block = waiting.pop(state)
        edges = [Edge(numbers[edge.source], edge.operation) for edge in block.edges]
        if swaps[state - NUM_INPUTS]:
            edges.reverse()
        numbers[state] = len(numbers)
        blocks.append(Block(*edges, block.combiner))
    return Cell(tuple(blocks), tuple(sorted(numbers[state] for state in cell.concat)))


def chain(*operations: Operation) -> Cell:
    """A cell whose blocks follow each other, each an operation on the last and h_i itself."""
    blocks = tuple(
        Block(Edge(k + 1, operation), Edge(1, Operation.IDENTITY))
        for k, operation in enumerate(operations)
    )
    return Cell(blocks, (len(blocks) + 1,))
