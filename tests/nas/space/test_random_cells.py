"""Random cells: uniform in every choice, the same from the same seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tasks.nas.space.random_cells import random_cell, random_genotype
from tasks.nas.types import NASNET_OPERATIONS, Combiner, unused_blocks

NUM_CELLS = 2000


def test_every_choice_is_uniform() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_cell(rng, combiners=tuple(Combiner)) for _ in range(NUM_CELLS)]
    edges = [edge for cell in drawn for block in cell.blocks for edge in block.edges]
    counts = Counter(edge.operation for edge in edges)
    assert set(counts) == set(NASNET_OPERATIONS)
    assert _chi_square(counts) < 32.9  # 12 degrees of freedom, 1 in 1,000
    sources = Counter(edge.source for cell in drawn for edge in cell.blocks[4].edges)
    assert set(sources) == set(range(6))
    assert _chi_square(sources) < 20.5  # 5 degrees of freedom, 1 in 1,000
    combiners = Counter(block.combiner for cell in drawn for block in cell.blocks)
    assert combiners[Combiner.ADD] / combiners.total() == pytest.approx(0.5, abs=0.02)


def test_the_output_has_what_no_block_reads() -> None:
    cell = random_cell(np.random.default_rng(1), num_blocks=7)
    assert len(cell.blocks) == 7
    assert cell.concat == unused_blocks(cell.blocks)


def test_the_seed_decides() -> None:
    one, same, other = (random_genotype(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one == same != other
    assert one.normal != one.reduce
    assert one.combiners == {Combiner.ADD}


def _chi_square(counts: Counter) -> float:
    expected = counts.total() / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts.values())
