"""Published cells by name; their sizes are checked in tests/nas/models/test_published_sizes.py."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.nas.space.darts import from_darts
from tasks.nas.space.published import PUBLISHED, published
from tasks.nas.types import Combiner

# NASNet-A as the repository of DARTS lists it: the same blocks, another concatenation.
NASNET_A_BY_DARTS = """Genotype(
  normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 0),
          ('avg_pool_3x3', 1), ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0),
          ('sep_conv_3x3', 1), ('skip_connect', 1)],
  normal_concat=[2, 3, 4, 5, 6],
  reduce=[('sep_conv_5x5', 1), ('sep_conv_7x7', 0), ('max_pool_3x3', 1), ('sep_conv_7x7', 0),
          ('avg_pool_3x3', 1), ('sep_conv_5x5', 0), ('skip_connect', 3), ('avg_pool_3x3', 2),
          ('sep_conv_3x3', 2), ('max_pool_3x3', 1)],
  reduce_concat=[4, 5, 6])"""


def test_published_cells_have_five_blocks_that_add() -> None:
    for genotype in PUBLISHED.values():
        assert [len(cell.blocks) for _, cell in genotype.cells()] == [5, 5]
        assert genotype.combiners == {Combiner.ADD}
        assert genotype.space == "nasnet"


def test_nasnet_a_has_the_blocks_that_others_transcribed() -> None:
    transcribed = from_darts(NASNET_A_BY_DARTS)
    ours = published("nasnet_a")
    assert transcribed.normal.blocks == ours.normal.blocks
    assert transcribed.reduce.blocks == ours.reduce.blocks


def test_an_unknown_name_is_told_the_known() -> None:
    with pytest.raises(DataError, match="'nasnet_b'; expected one of nasnet_a, amoebanet_a"):
        published("nasnet_b")
