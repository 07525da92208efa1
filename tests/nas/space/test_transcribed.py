"""Cells in DARTS' notation: each is read, and none has what a derived cell can't have."""

from __future__ import annotations

import pytest

from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.darts import from_darts, to_darts
from tasks.nas.space.transcribed import IN_DARTS_NOTATION


@pytest.mark.parametrize("name", IN_DARTS_NOTATION)
def test_each_is_read_and_comes_back(name: str) -> None:
    genotype = from_darts(IN_DARTS_NOTATION[name])
    num_blocks = 5 if name == "pnasnet_5" else 4
    assert [len(cell.blocks) for _, cell in genotype.cells()] == [num_blocks] * 2
    assert [cell.concat for _, cell in genotype.cells()] == [tuple(range(2, num_blocks + 2))] * 2
    assert genotype_hash(from_darts(to_darts(genotype))) == genotype_hash(genotype)
