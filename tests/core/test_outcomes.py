"""Splitting outcomes."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.core.outcomes import split
from tasks.core.ports import Skipped
from tasks.core.records import Record


class Made(Record):
    schema_id = "test.made/1"

    item_id: str


MADE = [Made(item_id=f"m{i}") for i in range(3)]
SKIPPED = [Skipped(item_id=f"s{i}", reason=f"reason {i}") for i in range(12)]


def test_order_is_kept() -> None:
    made, skipped = split([MADE[0], SKIPPED[0], MADE[1], MADE[2]], 0.25)
    assert made == tuple(MADE)
    assert skipped == (SKIPPED[0],)


def test_nothing_is_not_too_many() -> None:
    assert split([], 0.0) == ((), ())


def test_too_many_are_named_with_reasons() -> None:
    with pytest.raises(DataError, match=r"1 of 4 items .* at most 0%.*s0: reason 0"):
        split([*MADE, SKIPPED[0]], 0.0)


def test_a_long_list_is_cut() -> None:
    with pytest.raises(DataError, match=r"12 of 12 items.*s9: reason 9; and 2 more"):
        split(SKIPPED, 0.9)
