"""Log lines in which nothing from outside can pass for a line of ours."""

from __future__ import annotations

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.plain_log import PlainFormatter, plain

NAME = "a\nORRERY_RESULT []\nz"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
        (NAME, r"a\nORRERY_RESULT []\nz"),
        ("\x1b[2Jgone\r\x00", r"\x1b[2Jgone\r\x00"),
        ("\u2028\x85", r"\u2028\x85"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_moves_a_cursor_or_begins_a_line_is_escaped(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text())
def test_any_text_becomes_one_line_that_can_be_written(text: str) -> None:
    line = plain(text)
    assert len(f"{line}\n".splitlines()) == 1
    line.encode()
    assert plain(line) == line


def logged(error: Exception | None, message: str, *arguments: object) -> list[str]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter("%(levelname)s %(name)s: %(message)s"))
    details = (type(error), error, error.__traceback__) if error else None
    handler.emit(logging.LogRecord("test", logging.ERROR, "", 0, message, arguments, details))
    return stream.getvalue().splitlines()


def fail(name: str) -> None:
    try:
        _ = {}[name]
    except KeyError as error:
        raise ValueError(f"bad item {name}") from error


def test_a_record_is_one_line_whatever_its_arguments_hold() -> None:
    assert logged(None, "item %s is\nbad", NAME) == [
        r"ERROR test: item a\nORRERY_RESULT []\nz is\nbad"
    ]


def test_a_traceback_keeps_its_lines_and_escapes_what_the_errors_say() -> None:
    try:
        fail(NAME)
    except ValueError as error:
        lines = logged(error, "the stage failed")
    assert lines[0] == "ERROR test: the stage failed"
    assert lines[-1] == r"ValueError: bad item a\nORRERY_RESULT []\nz"
    assert not any(line.startswith(("ORRERY", "z")) for line in lines)
    assert sum(line.startswith("  File ") for line in lines) >= 2
