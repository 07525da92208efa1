"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.files import whole_file


def test_a_file_replaces_what_was_there_and_can_be_read_by_all(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"
    for content in (b"first", b"second"):
        with whole_file(target) as partial:
            partial.write_bytes(content)
            assert not target.exists() or target.read_bytes() == b"first"
        assert target.read_bytes() == content
    assert target.stat().st_mode & 0o444 == 0o444
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"before")
    with pytest.raises(FileNotFoundError), whole_file(target) as partial:
        partial.write_bytes((tmp_path / "missing").read_bytes())
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_of_two_that_make_a_new_file_the_second_is_told(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with whole_file(target, is_new=True) as partial:
        partial.write_bytes(b"first")
    with pytest.raises(FileExistsError), whole_file(target, is_new=True) as partial:
        partial.write_bytes(b"second")
    assert target.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
