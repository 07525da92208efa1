"""Random cells: every choice uniform, as the paper's random search makes them (section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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

NUM_BLOCKS = 5  # B of the paper


def random_cell(
    rng: np.random.Generator,
    num_blocks: int = NUM_BLOCKS,
    operations: Sequence[Operation] = NASNET_OPERATIONS,
    combiners: Sequence[Combiner] = (Combiner.ADD,),
) -> Cell:
    """Draw a cell.

    Args:
        rng: Source of chance.
        num_blocks: Number of blocks B.
        operations: What to choose from.
        combiners: What to choose from; the published cells only add.

    Returns:
        A cell whose output is the concatenation of the states that no block reads.
    """
    blocks = tuple(
        Block(
            _random_edge(rng, state, operations),
            _random_edge(rng, state, operations),
            combiners[int(rng.integers(len(combiners)))],
        )
        for state in range(NUM_INPUTS, NUM_INPUTS + num_blocks)
    )
    return Cell(blocks, unused_blocks(blocks))


def random_genotype(
    rng: np.random.Generator,
    num_blocks: int = NUM_BLOCKS,
    operations: Sequence[Operation] = NASNET_OPERATIONS,
    combiners: Sequence[Combiner] = (Combiner.ADD,),
) -> Genotype:
    """Draw a normal and a reduction cell; the arguments are those of `random_cell`."""
    normal = random_cell(rng, num_blocks, operations, combiners)
    return Genotype(normal, random_cell(rng, num_blocks, operations, combiners))


def _random_edge(
    rng: np.random.Generator, num_sources: int, operations: Sequence[Operation]
) -> Edge:
    source = int(rng.integers(num_sources))
    return Edge(source, operations[int(rng.integers(len(operations)))])
