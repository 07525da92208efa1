"""Folders of object stores, on an S3 server."""

from __future__ import annotations

import errno
import uuid
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError, NotWritableError, ResourceError, TransientError
from tasks.core.outside.stored import StoredFile, StoredFolder, is_stored, local_path


@pytest.fixture
def folder(bucket: str) -> StoredFolder:
    return StoredFolder(f"{bucket}/in/here")


def named(folder: StoredFolder) -> list[str]:
    return list(folder.files(100))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("s3://bucket/a", True),
        ("gs://bucket", True),
        ("/data/s3://", False),
        ("file:///data", False),
        ("~/data", False),
        ("data", False),
    ],
)
def test_a_store_is_told_from_a_disk(place: str, expected: bool) -> None:
    assert is_stored(place) is expected


def test_a_place_on_a_disk_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert [local_path(p) for p in ("file:///a/b c", "~/x", "x")] == [
        Path("/a/b c"),
        Path("/home/me/x"),
        Path("x"),
    ]


def test_what_is_written_is_listed_and_fetched(folder: StoredFolder, tmp_path: Path) -> None:
    assert named(folder) == []
    assert folder.read("none") is None
    (tmp_path / "big").write_bytes(b"x" * 3000)
    told = folder.write("b/c d.bin", tmp_path / "big")
    folder.write("a.txt", b"hello")
    folder.write(".hidden", b"")
    folder.write("b/.hidden/x", b"")
    StoredFolder(folder.uri + "-not").write("other", b"")
    assert named(folder) == ["a.txt", "b/c d.bin"]
    files = folder.files(100)
    assert files["b/c d.bin"] == told
    assert told.num_bytes == 3000
    assert folder.below("b").files(100) == {"c d.bin": told}
    folder.fetch("b/c d.bin", told, tmp_path / "new/copy")
    assert (tmp_path / "new/copy").read_bytes() == b"x" * 3000
    assert folder.read("a.txt") == b"hello"
    folder.remove("a.txt")
    folder.remove("a.txt")
    assert named(folder) == ["b/c d.bin"]


def test_a_file_that_was_replaced_is_not_taken_for_the_listed_one(
    folder: StoredFolder, tmp_path: Path
) -> None:
    first = folder.write("a", b"one")
    assert folder.write("a", b"two") != first
    with pytest.raises(DataError, match="a was replaced while it was read"):
        folder.fetch("a", first, tmp_path / "a")
    folder.remove("a")
    with pytest.raises(DataError, match="a was removed"):
        folder.fetch("a", first, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_names_that_no_disk_could_hold_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = StoredFolder("memory://odd")
    odd = {"a/b", "c::d", "e\nf", "x" * 256, "g//h", "/j"}
    listed = {
        f"{folder._root}/{name}": {"type": "file", "size": 1, "ETag": '"1"'}
        for name in (*odd, "a", "ok/ok", "folder/", "../i")
    }
    monkeypatch.setattr(folder._fs, "find", lambda *_, **__: listed)
    assert named(folder) == ["a", "ok/ok"]
    assert set(folder.odd) == odd


def test_too_many_are_too_many(folder: StoredFolder) -> None:
    for index in range(3):
        folder.write(str(index), b"")
    with pytest.raises(DataError, match="at most 2 files, found 3"):
        folder.files(2)


def test_what_is_in_the_way_is_said(folder: StoredFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceError, match=r"no access to gs://bucket/x: .*gcsfs"):
        StoredFolder("gs://bucket/x").files(9)
    with pytest.raises(ResourceError, match="there is no such bucket"):
        StoredFolder(f"s3://no{uuid.uuid4().hex}/x").write("a", b"")
    for error, kind in (
        (PermissionError("Forbidden"), ResourceError),
        (OSError("reset"), TransientError),
        (OSError(errno.ENOSPC, "No space left on device"), NotWritableError),
        (ZeroDivisionError(), ZeroDivisionError),
    ):
        folder = StoredFolder("memory://x")

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(folder._fs, "find", fail)
        with pytest.raises(kind) as raised:
            folder.files(9)
        assert type(raised.value) is kind
    assert StoredFile(1, "a") != StoredFile(1, "b")
