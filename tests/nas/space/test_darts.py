"""DARTS' notation: read from text and objects without running anything, and written."""

from __future__ import annotations

from collections import namedtuple

import pytest
from hypothesis import given, settings

from tasks.core.errors import DataError
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.darts import from_darts, to_darts
from tasks.nas.space.published import published
from tasks.nas.types import SPACES, Combiner, Edge, Operation
from tests.support.nas.genotypes import genotypes

# The second-order cell of Liu, Simonyan and Yang (2019), as their repository prints it.
DARTS_V2 = """DARTS_V2 = Genotype(
  normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
          ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
  normal_concat=[2, 3, 4, 5],
  reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
          ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
  reduce_concat=range(2, 6))
"""


def test_text_is_read() -> None:
    found = from_darts(DARTS_V2)
    assert len(found.normal.blocks) == 4
    assert found.normal.blocks[3].edges == (
        Edge(0, Operation.IDENTITY),
        Edge(2, Operation.DILATED_SEP_CONV_3X3),
    )
    assert found.reduce.concat == (2, 3, 4, 5)
    assert found.space == "darts"


def test_objects_and_mappings_are_read_like_text() -> None:
    fields = {
        "normal": [("sep_conv_3x3", 0), ("skip_connect", 1)],
        "normal_concat": range(2, 3),
        "reduce": (("max_pool_3x3", 0), ("conv_7x1_1x7", 1)),
        "reduce_concat": [2],
    }
    entry = namedtuple("Genotype", fields)(**fields)
    assert from_darts(entry) == from_darts(fields) == from_darts(str(entry))


@settings(deadline=None)
@given(genotypes(operations=SPACES["darts"], combiners=(Combiner.ADD,)))
def test_what_is_written_comes_back(genotype) -> None:
    assert from_darts(to_darts(genotype)) == genotype


def test_published_cells_cross_over() -> None:
    for name in ("nasnet_a", "amoebanet_a"):
        twin = from_darts(to_darts(published(name)))
        assert genotype_hash(twin) == genotype_hash(published(name))


def test_text_is_never_run(tmp_path) -> None:
    victim = tmp_path / "victim"
    code = f"__import__('pathlib').Path({str(victim)!r}).touch()"
    text = f"Genotype(normal={code}, normal_concat=[2], reduce=[], reduce_concat=[2])"
    with pytest.raises(DataError, match="normal: expected a plain value"):
        from_darts(text)
    assert not victim.exists()


GOOD = "normal=[('skip_connect', 0), ('skip_connect', 1)], normal_concat=[2]"
REDUCE = GOOD.replace("normal", "reduce").removesuffix("[2]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"Genotype({GOOD}, reduce_concat=[2])", "reduce is missing"),
        (f"Genotype({GOOD}, reduce=[('none', 0), ('none', 1)], reduce_concat=[2])", "'none'"),
        (f"Genotype({GOOD}, reduce=[('skip_connect', 0)], reduce_concat=[2])", "two pairs a node"),
        (f"Genotype({GOOD}, reduce=[('skip_connect', 0, 1)], reduce_concat=[2])", "pair 0"),
        (f"Genotype({GOOD}, reduce=[('skip_connect', '0')], reduce_concat=[2])", "pair 0"),
        (f"Genotype({GOOD}, reduce=5, reduce_concat=[2])", "expected a list, found 5"),
        (f"Genotype({GOOD}, {REDUCE}['x'])", "reduce_concat"),
        (f"Genotype({GOOD}, {REDUCE}[7])", "concat names state 7"),
        (
            f"Genotype({GOOD}, reduce=[('skip_connect', 0), ('skip_connect', 3)], "
            "reduce_concat=[2])",
            "reduce cell: block 0 .* reads state 3",
        ),
        ("Genotype(", "expected Genotype"),
        ("x = 3", "found 0"),
        ("Genotype() + Genotype()", "found 2"),
    ],
)
def test_wrong_text_is_refused_with_its_fault(text, message) -> None:
    with pytest.raises(DataError, match=message) as caught:
        from_darts(text, "cells.txt")
    assert str(caught.value).startswith("cells.txt: ")


def test_what_darts_lacks_is_not_written() -> None:
    cell = published("nasnet_a")
    with pytest.raises(DataError, match="conv_3x3"):
        to_darts(type(cell)(cell.normal, _with(cell.reduce, Operation.CONV_3X3, Combiner.ADD)))
    with pytest.raises(DataError, match="only add"):
        to_darts(type(cell)(cell.normal, _with(cell.reduce, Operation.IDENTITY, Combiner.CONCAT)))


def _with(cell, operation, combiner):
    first = cell.blocks[0]
    changed = type(first)(Edge(first.left.source, operation), first.right, combiner)
    return type(cell)((changed, *cell.blocks[1:]), cell.concat)
