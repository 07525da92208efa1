"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.files import whole_file


def write(target: Path, text: str, *, is_new: bool = False) -> None:
    with whole_file(target, is_new=is_new) as partial:
        partial.write_text(text)
        assert not target.exists() or target.read_text() != text, "nothing appears before the end"


def test_a_file_appears_at_the_end_and_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"
    for text in ("first", "second"):
        write(target, text)
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before")
    with pytest.raises(TypeError), whole_file(target) as partial:
        partial.write_bytes("no bytes")
    with pytest.raises(FileNotFoundError), whole_file(target):
        pass  # a block that writes nothing
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_file_that_must_be_new_is_not_written_over(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write(target, "first", is_new=True)
    with pytest.raises(FileExistsError):
        write(target, "second", is_new=True)
    assert target.read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
