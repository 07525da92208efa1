"""Published cells by name; their sizes are checked in tests/nas/models/test_sizes.py."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.darts import from_darts
from tasks.nas.space.published import ALL_PUBLISHED, PUBLISHED, published
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


def test_names_are_those_that_people_write() -> None:
    pairs = {"DARTS_V2": "darts_v2", "PC-DARTS-cifar": "pc_darts_cifar", "SETN": "setn"}
    for written, name in (pairs | {"NASNet": "nasnet_a", "DARTS": "darts_v2"}).items():
        assert published(written) == ALL_PUBLISHED[name]
    assert len({genotype_hash(each) for each in ALL_PUBLISHED.values()}) == len(ALL_PUBLISHED)


# GDAS_V1 as an earlier file of AutoDL-Projects lists it: in one row, with the edges' weights.
GDAS_V1_WITH_WEIGHTS = """GDAS_V1 = Genotype(
  normal=[('skip_connect', 0, 0.1301), ('skip_connect', 1, 0.1294), ('skip_connect', 0, 0.1306),
          ('sep_conv_5x5', 2, 0.1298), ('sep_conv_3x3', 3, 0.1292), ('skip_connect', 0, 0.1290),
          ('sep_conv_5x5', 4, 0.1293), ('sep_conv_3x3', 3, 0.1289)],
  normal_concat=range(2, 6),
  reduce=[('sep_conv_5x5', 0, 0.1286), ('sep_conv_3x3', 1, 0.1278), ('sep_conv_5x5', 2, 0.1272),
          ('sep_conv_5x5', 1, 0.1270), ('dil_conv_5x5', 2, 0.1279), ('sep_conv_3x3', 1, 0.1273),
          ('sep_conv_5x5', 0, 0.1283), ('sep_conv_5x5', 1, 0.1275)],
  reduce_concat=range(2, 6))"""


def test_two_listings_of_one_cell_agree() -> None:
    assert from_darts(GDAS_V1_WITH_WEIGHTS) == published("gdas_v1")


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
