"""Canonical form and hash: isomorphic cells share both.

Two cells are isomorphic if one becomes the other by renumbering blocks and swapping the edges of
blocks; they are then the same network up to the names of its layers and the order of its
channels. The canonical numbering is the one whose list of blocks is smallest among all orders in
which every block follows what it reads. It is found block by block: only blocks that look alike
at their turn have to be tried one against the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from tasks.core.errors import DataError
from tasks.nas.types import NUM_INPUTS, Block, Cell, Combiner, Edge, Genotype

_MAX_ORDERS = 6000  # seven blocks that look alike; a searched cell has five blocks in all
_FORM = "nas.canonical/1"  # part of the hash: a change of the form changes every hash

# What a block looks like once its inputs have their numbers: both edges, the smaller first, the
# combiner, and whether the cell's output has it.
_Look = tuple[Edge, Edge, Combiner, bool]
_Order = tuple[int, ...]  # states of the blocks that have their numbers already, in that order


def canonical_cell(cell: Cell) -> Cell:
    """The isomorphic cell that stands for all others.

    Raises:
        DataError: So many of its blocks look alike that it would take hours to tell them apart.
    """
    orders: list[_Order] = [()]
    looks: list[_Look] = []
    for _ in cell.blocks:
        steps = [step for order in orders for step in _next_steps(cell, order)]
        smallest = min(look for look, _ in steps)
        looks.append(smallest)
        orders = [order for look, order in steps if look == smallest]
        if len(orders) > _MAX_ORDERS:
            raise DataError(
                f"too many of its {len(cell.blocks)} blocks look alike to be told apart; use fewer"
            )
    inputs = [state for state in cell.concat if state < NUM_INPUTS]
    output = [state for state, look in enumerate(looks, NUM_INPUTS) if look[-1]]
    return Cell(tuple(Block(*look[:-1]) for look in looks), (*inputs, *output))


def canonical(genotype: Genotype) -> Genotype:
    """Canonical form of both cells."""
    return Genotype(canonical_cell(genotype.normal), canonical_cell(genotype.reduce))


def genotype_hash(genotype: Genotype) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    document = [_FORM, *(_document(canonical_cell(cell)) for _, cell in genotype.cells())]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _next_steps(cell: Cell, order: _Order) -> Iterator[tuple[_Look, _Order]]:
    """Each block that may come next: its look, and the order with it.

    Blocks that look alike and are read alike are interchangeable; one of them is enough.
    """
    numbers = {state: number for number, state in enumerate((*range(NUM_INPUTS), *order))}
    seen = set()
    for state, block in enumerate(cell.blocks, NUM_INPUTS):
        if state in numbers or any(edge.source not in numbers for edge in block.edges):
            continue
        edges = sorted(Edge(numbers[edge.source], edge.operation) for edge in block.edges)
        look = (edges[0], edges[1], block.combiner, state in cell.concat)
        if (look, readers := _readers(cell, state)) not in seen:
            seen.add((look, readers))
            yield look, (*order, state)


def _readers(cell: Cell, state: int) -> tuple[tuple[int, str], ...]:
    """Blocks that read a state, and through which operations."""
    found = [
        (reader, str(edge.operation))
        for reader, block in enumerate(cell.blocks)
        for edge in block.edges
        if edge.source == state
    ]
    return tuple(sorted(found))


def _document(cell: Cell) -> list[object]:
    rows = [
        [*(part for edge in block.edges for part in (edge.source, edge.operation)), block.combiner]
        for block in cell.blocks
    ]
    return [rows, list(cell.concat)]
