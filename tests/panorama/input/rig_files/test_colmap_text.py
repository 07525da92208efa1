"""Rows of COLMAP's text files, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.colmap_text import Row, read_rows


def _row(*fields: str) -> Row:
    return Row(Path("cameras.txt"), 7, fields)


def test_comments_and_empty_lines_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "cameras.txt"
    path.write_text("# head\n\n1 PINHOLE 640\n  \n#2 x\n3 OPENCV 480\n", "utf-8")
    found = list(read_rows(path))
    assert [row.fields for row in found] == [("1", "PINHOLE", "640"), ("3", "OPENCV", "480")]
    assert [row.line for row in found] == [3, 6], "as an editor counts them"


def test_the_line_after_each_row_is_skipped_even_if_empty(tmp_path: Path) -> None:
    path = tmp_path / "images.txt"
    path.write_text("# head\n1 a.jpg\n\n2 b.jpg\n10 20 -1\n3 c.jpg\n", "utf-8")
    assert [row.fields[1] for row in read_rows(path, 2)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cameras.txt"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match=r"cameras\.txt: expected a readable text file"):
        list(read_rows(path))
    with pytest.raises(DataError, match=r"gone\.txt: expected a readable text file"):
        list(read_rows(tmp_path / "gone.txt"))


def test_fields_are_read_as_what_they_are() -> None:
    row = _row("4", "1.5", "-2e3", "IMG", "01.jpg")
    assert (row.num_fields, row.whole(0), row.text(3)) == (5, 4, "IMG")
    assert row.numbers(1, 2) == (1.5, -2000.0)
    assert row.rest(3) == "IMG 01.jpg", "a file's name may have blanks"
    row.expect(5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda row: row.expect(4), "expected 4 values, found 3"),
        (lambda row: row.text(3), "expected more than 3 values"),
        (lambda row: row.rest(3), "expected more than 3 values"),
        (lambda row: row.whole(1), "expected a whole number, found '1.5'"),
        (lambda row: row.numbers(1, 2), "expected a finite number, found 'nan'"),
        (lambda row: row.numbers(0, 1), "expected a number, found 'one'"),
    ],
)
def test_errors_say_where(call, message: str) -> None:
    with pytest.raises(DataError) as caught:
        call(_row("one", "1.5", "nan"))
    assert str(caught.value).startswith(f"cameras.txt, line 7: {message}")
