"""Genotypes in Python files and logs: found by name, parsed, never run."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.nas.space.darts import from_darts, to_darts
from tasks.nas.space.genotype_text import FIELDS, fields_in
from tasks.nas.types import SPACES, Combiner
from tests.support.hostile.refusals import refused
from tests.support.nas.genotypes import genotypes

CELL = [("sep_conv_3x3", 0), ("skip_connect", 1)]
FIELDS_A = dict(zip(FIELDS, (CELL, [2], CELL, [2]), strict=True))
FIELDS_B = FIELDS_A | {"reduce": CELL[::-1]}
A, B = (
    f"Genotype({', '.join(f'{name}={value}' for name, value in fields.items())})"
    for fields in (FIELDS_A, FIELDS_B)
)
READ_A, READ_B = from_darts(FIELDS_A), from_darts(FIELDS_B)
LOG = f"""\
2019-03-17 05:37:49,123 gpu device = 0 (unclosed
2019-03-17 05:37:49,124 genotype = {B}
2019-03-17 05:38:01,001 genotype = {A}
"""
FILE = f"""\
from collections import namedtuple
Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')
FIRST = {A}
SECOND: Genotype = {B}
# THIRD = {A}
BEST = SECOND
NETWORKS = {{'FIRST': FIRST}}

def build(found):
    return Genotype(normal=strip(found['normal']), normal_concat=[], reduce=[], reduce_concat=[])
"""


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (FILE, "FIRST", READ_A),
        (FILE, "SECOND", READ_B),
        (FILE, "BEST", READ_B),
        (f"x = {A}\ny = x", "", READ_A),
        (f"X = {B}\nX = {A}", "", READ_A),
        (f"genotypes.Genotype({CELL}, [2], {CELL}, [2])", "", READ_A),
        (LOG, "", READ_A),
        (LOG, "genotype", READ_A),
        (f"  * the best: {A} after 50 epochs", "", READ_A),
        (f"[epoch 3] genotype      : {FIELDS_B}", "genotype", READ_B),
        (f"print 'best', {A}", "", READ_A),  # Python 2
        (str(FIELDS_A), "", READ_A),
        (f"10:11 {B}\n10:12 {A}", "line_2", READ_A),
        (f"10:11 {B}\n10:12 {A}", "line_1", READ_B),
        (f"print({B})\nprint({A})", "line_2_column_6", READ_A),
        (A.replace("0)", "0, -0.25)"), "", READ_A),
    ],
)
def test_genotypes_are_found_by_name(text: str, name: str, expected: object) -> None:
    assert from_darts(text, name=name) == expected


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (FILE, "", "found 2: FIRST, SECOND, BEST; name one behind a colon"),
        (FILE, "THIRD", "no genotype is called THIRD; expected one of FIRST, SECOND, BEST"),
        (f"good: {A}\n(bad: {B}\n", "", "found 2: good, bad"),
        (f"10:11 {B}\n10:12 {A}", "", "found 2: line_1, line_2; name one behind a colon"),
        ("x = 5", "", "found 0"),
        ("log: Genotype(normal=[1, 2", "", "line 1: expected Genotype"),
        ("a = Genotype(normal=[x], normal_concat=[2], reduce=[], reduce_concat=[])", "", "Name"),
        ("a = Genotype(normal=None, normal_concat=[2], reduce=[], reduce_concat=[])", "", "None"),
        ("a = Genotype(normal=range(), normal_concat=[2], reduce=[])", "", "plain value"),
        ("a = Genotype(normal=range(10**9), normal_concat=[2], reduce=[])", "", "plain value"),
        ("a = Genotype(normal=range(2, 6, 0), normal_concat=[2], reduce=[])", "", "plain value"),
    ],
)
def test_what_is_not_there_or_no_literal_is_said(text: str, name: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^mine.py: .*{message}"):
        from_darts(text, "mine.py", name)


def test_numpy_s_scalars_are_numbers() -> None:
    rows = [(np.str_("sep_conv_3x3"), np.int64(0), np.float32(0.25)), ("skip_connect", np.int32(1))]
    fields = FIELDS_A | {"normal": rows, "normal_concat": [np.int64(2)]}
    assert "np.int64(0)" in str(fields)
    assert from_darts(str(fields)) == from_darts(fields) == READ_A


def _written(genotype, nested: bool, weighted: bool) -> str:
    """A genotype as AutoDL-Projects print it."""
    fields = fields_in(to_darts(genotype), "")
    for name in ("normal", "reduce"):
        pairs = [(*pair, 0.25) if weighted else tuple(pair) for pair in fields[name]]
        fields[name] = [*zip(pairs[::2], pairs[1::2], strict=True)] if nested else pairs
    return f"2020-01-01 genotype : {fields}, connectN=None"


@settings(deadline=None, max_examples=40)
@given(
    genotypes(operations=SPACES["darts"], combiners=(Combiner.ADD,)), st.booleans(), st.booleans()
)
def test_what_others_write_comes_back(genotype, nested, weighted) -> None:
    assert from_darts(_written(genotype, nested, weighted)) == genotype


HOSTILE = {
    "brackets without end": "Genotype(" * 100_000,
    "lists without end": "Genotype(normal=" + "[" * 100_000,
    "a sum without end": "a = Genotype(" + "+".join("1" * 50_000) + ")",
    "signs without end": "a = Genotype(normal=" + "-" * 100_000 + "1, reduce=[])",
    "a name without end": "a" * 900_000 + " = Genotype(1",
    "quotes": "'\"" * 400_000 + "Genotype('",
    "a zero byte": "Genotype(\0)",
    "a long operation": f"a = Genotype([['{'o' * 900_000}', 0], ['', 1]], [2], [], [2])",
    "many": "x Genotype() " * 60_000,
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_refused(kind: str) -> None:
    with refused("mine.py"):
        from_darts(HOSTILE[kind], "mine.py")


@pytest.mark.hostile
@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(FILE)), st.text(alphabet="()[]{}'\"#=,:-\n aG0", max_size=5))
def test_a_damaged_file_is_read_or_refused(place, inserted) -> None:
    with contextlib.suppress(DataError):  # any other error is a fault
        from_darts(FILE[:place] + inserted + FILE[place + 1 :], "mine.py", "BEST")
