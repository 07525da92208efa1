"""A few odd items are left out, many are refused with their reasons."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.intake.skips import check_few


def skipped(num: int) -> list[Skipped]:
    return [Skipped(item_id=f"{index}.png", reason="is empty") for index in range(num)]


def test_few_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    check_few([Skipped(item_id="b", reason="b is cut short")], 20, "images")
    check_few(skipped(1), 20, "images")
    assert caplog.messages == ["skipped: b is cut short", "skipped: 0.png: is empty"]
    check_few([], 0, "images")


def test_one_of_several_may_be_left_out() -> None:
    check_few(skipped(1), 2, "images")
    check_few(skipped(1), 6, "images", 0.01)
    for num_skipped, num_items, share in ((1, 1, None), (2, 6, None), (1, 6, 0.0)):
        with pytest.raises(DataError, match=f"of {num_items} may be left out"):
            check_few(skipped(num_skipped), num_items, "images", share)


def test_a_setting_says_how_many() -> None:
    check_few(skipped(5), 10, "images", 0.5)
    with pytest.raises(DataError, match=r"at most 10% of 10 may be left out \(max_skipped_frac"):
        check_few(skipped(2), 10, "images", 0.1)


def test_many_are_refused_and_named() -> None:
    with pytest.raises(DataError, match=r"2 images can't be used: 0\.png: is empty; 1\.png"):
        check_few(skipped(2), 39, "images")
    with pytest.raises(DataError, match=r"4\.png: is empty; and 8 more; at most 5% of 14"):
        check_few(skipped(13), 14, "images")
