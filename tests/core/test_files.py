"""Files that appear whole or not at all."""

from __future__ import annotations

import pytest

from tasks.core.files import copy_whole


def test_a_copy_replaces_what_was_there_and_can_be_read_by_all(tmp_path):
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    for content in (b"first", b"second"):
        source.write_bytes(content)
        copy_whole(source, target)
        assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_copy_that_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"before")
    with pytest.raises(FileNotFoundError):
        copy_whole(tmp_path / "missing", target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
