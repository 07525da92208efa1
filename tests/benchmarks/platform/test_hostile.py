"""Counting what came through."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.platform.hostile import measure

TESTS = """
import pytest


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["a", "b", "c"])
def test_refused(text):
    assert text != "c"


@pytest.mark.hostile
def test_not_here():
    pytest.skip("not here")


def test_of_something_else():
    raise AssertionError
"""


def test_what_fails_came_through_and_what_is_skipped_was_not_tried(tmp_path: Path) -> None:
    (tmp_path / "test_made_up.py").write_text(TESTS)
    found = measure([tmp_path])
    assert {name: figure.value for name, figure in found.items()} == {
        "hostile_inputs_tried": 3,
        "hostile_inputs_through": 1,
    }


def test_no_figure_where_not_all_could_be_tried(tmp_path: Path) -> None:
    (tmp_path / "test_made_up.py").write_text("def")
    with pytest.raises(RuntimeError, match="not all inputs were tried"):
        measure([tmp_path])
