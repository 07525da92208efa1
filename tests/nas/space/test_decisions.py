"""Decision spaces: draws and mutants stay inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.nas.space.decisions import DecisionSpace

spaces = st.lists(st.integers(1, 6), min_size=1, max_size=8).map(
    lambda counts: DecisionSpace(tuple(counts), ("operation",) * len(counts))
)


@given(spaces.filter(lambda space: max(space.num_choices) > 1), st.integers(0, 1000))
def test_a_mutant_differs_in_exactly_one_decision(space: DecisionSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    child = space.draw(rng)
    mutant = space.mutate(child, rng)
    assert sum(a != b for a, b in zip(child, mutant, strict=True)) == 1
    for decisions in (child, mutant):
        assert all(
            0 <= each < count for each, count in zip(decisions, space.num_choices, strict=True)
        )


def test_each_mutant_is_equally_likely() -> None:
    space = DecisionSpace((3, 1, 2), ("a", "b", "c"))
    rng = np.random.default_rng(0)
    mutants = [space.mutate((0, 0, 0), rng) for _ in range(4000)]
    counts = {each: mutants.count(each) for each in set(mutants)}
    assert set(counts) == {(1, 0, 0), (2, 0, 0), (0, 0, 1)}
    assert counts[(0, 0, 1)] == pytest.approx(2000, abs=130)
    assert counts[(1, 0, 0)] == pytest.approx(1000, abs=130)


@pytest.mark.parametrize("counts", [(), (2, 0), (2, 2)])
def test_a_space_without_choices_or_kinds_is_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a kind and at least one choice for each decision"):
        DecisionSpace(counts, ("operation",))
