"""Files that appear whole or not at all, and that are read within limits."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, DataError
from tasks.core.files import read_bytes, read_text, split_part, user_path, whole_file


def test_a_file_replaces_what_was_there_and_can_be_read_by_all(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"
    for content in (b"first", b"second"):
        with whole_file(target) as partial:
            partial.write_bytes(content)
            assert not target.exists() or target.read_bytes() == b"first"
        assert target.read_bytes() == content
    assert target.stat().st_mode & 0o444 == 0o444
    assert [path.name for path in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize(
    ("place", "file", "part"),
    [
        ("/a/cells.py:DARTS_V2", "/a/cells.py", "DARTS_V2"),
        ("s3://bucket/cells.py:x", "s3://bucket/cells.py", "x"),
        ("s3://bucket", "s3://bucket", ""),
        ("/a:b/cells.py", "/a:b/cells.py", ""),
        ("cells.py:", "cells.py:", ""),
        ("", "", ""),
    ],
)
def test_a_part_stands_behind_a_colon(place: str, file: str, part: str) -> None:
    assert split_part(place) == (file, part)


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


def test_a_plain_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("\ufeffgrün".encode())
    assert read_bytes(path, 8, "a text") == path.read_bytes()
    assert read_text(path, 8, "a text") == "grün"
    (tmp_path / "link").symlink_to(path)
    assert read_text(tmp_path / "link", 8, "a text") == "grün"


def special(kind: str, folder: Path) -> Path:
    """A path of a kind that is no plain, small file."""
    path = folder / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(80 * 10**9)  # a hole: takes no disk
    elif kind == "circle":
        path.symlink_to(path)
    return {"zero": Path("/dev/zero"), "long": folder / ("n" * 5000)}.get(kind, path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "got a pipe"),
        ("socket", "No such device"),
        ("folder", "Is a directory"),
        ("large", "at most 100 bytes, got 80,000,000,000"),
        ("circle", "Too many levels"),
        ("zero", "got a device"),
        ("long", "File name too long"),
        ("missing", "No such file"),
        ("zero\0byte", "embedded null byte"),
    ],
)
def test_what_is_no_plain_file_is_refused_unread(tmp_path: Path, kind: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        read_bytes(special(kind, tmp_path), 100, "a genotype")
    assert "expected a genotype" in str(caught.value)


def test_what_grows_beyond_its_size_is_refused() -> None:
    """Linux says of such files that they are empty."""
    with pytest.raises(DataError, match="at most 10 bytes, got"):
        read_bytes(Path("/proc/self/status"), 10, "a text")


def test_a_path_is_absolute_and_knows_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path("~/data", "prepare.data") == Path("/home/me/data")
    assert user_path("data", "prepare.data") == Path.cwd() / "data"


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["~nouser/a", "a\0b", "n" * 300, "n/" * 3000, "\ud800" * 100])
def test_what_can_be_no_path_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^prepare\.data: .* can't be a path: .*; correct it"):
        user_path(text, "prepare.data")
