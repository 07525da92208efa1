"""Decisions and genotypes: every child is a sound genotype, every choice counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.types import Combiner, Edge, Operation

BOTH = tuple(Combiner)


def test_the_paper_makes_ten_blocks_of_four_decisions() -> None:
    space = GenotypeSpace().decisions
    assert len(space.num_choices) == 2 * 5 * 4
    assert space.num_choices[:8] == (2, 13, 2, 13, 3, 13, 3, 13)
    assert GenotypeSpace(combiners=BOTH).decisions.num_choices[:5] == (2, 13, 2, 13, 2)


def test_a_written_child() -> None:
    operations = (Operation.IDENTITY, Operation.CONV_3X3)
    space = GenotypeSpace(2, operations, BOTH)
    found = space.genotype((0, 1, 1, 0, 1, 2, 0, 2, 1, 0) + (1, 0) * 2 + (0,) + (0, 0, 1, 1, 1))
    first, second = found.normal.blocks
    assert first.edges == (Edge(0, Operation.CONV_3X3), Edge(1, Operation.IDENTITY))
    assert first.combiner is Combiner.CONCAT
    assert second.edges == (Edge(2, Operation.IDENTITY), Edge(2, Operation.CONV_3X3))
    assert found.normal.concat == (3,)
    assert found.reduce.concat == (2, 3)


@given(st.integers(0, 10_000), st.sampled_from([(Combiner.ADD,), BOTH]))
def test_every_mutant_is_another_genotype(seed: int, combiners: tuple[Combiner, ...]) -> None:
    space, rng = GenotypeSpace(combiners=combiners), np.random.default_rng(seed)
    child = space.decisions.draw(rng)
    mutant = space.decisions.mutate(child, rng)
    assert space.genotype(child) != space.genotype(mutant)


@pytest.mark.parametrize("child", [(), (0,) * 39, (2, *(0,) * 39), (-1, *(0,) * 39)])
def test_choices_that_do_not_exist_are_refused(child: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected 40 choices below"):
        GenotypeSpace().genotype(child)
