"""Copies of stored folders and files."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, DataError, ResourceError
from tasks.core.outside.copies import copy_of, path_of
from tasks.core.outside.stored import StoredFolder


@pytest.fixture
def folder(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredFolder:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    made = StoredFolder(f"{bucket}/data/cifar")
    for name in ("train/a.bin", "train/b.bin", "classes.txt"):
        made.write(name, name.encode())
    return made


def texts(path: Path) -> dict[str, str]:
    return {
        each.relative_to(path).as_posix(): each.read_text()
        for each in path.rglob("*")
        if each.is_file()
    }


def test_a_folder_keeps_its_name_and_is_copied_once(
    folder: StoredFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy_of(f"{folder.uri}/")
    assert path.name == "cifar"
    assert texts(path) == {n: n for n in ("train/a.bin", "train/b.bin", "classes.txt")}
    monkeypatch.delattr(StoredFolder, "fetch")
    assert copy_of(folder.uri) == path


def test_a_file_is_copied_alone(folder: StoredFolder) -> None:
    path = copy_of(f"{folder.uri}/train/a.bin")
    assert (path.name, path.read_text()) == ("a.bin", "train/a.bin")
    assert [each.name for each in path.parent.iterdir()] == ["a.bin"]


def test_what_changed_is_another_copy(folder: StoredFolder) -> None:
    before = copy_of(folder.uri)
    folder.write("train/a.bin", b"new")
    folder.remove("classes.txt")
    after = copy_of(folder.uri)
    assert texts(after) == {"train/a.bin": "new", "train/b.bin": "train/b.bin"}
    assert texts(before)["train/a.bin"] == "train/a.bin"


def test_a_copy_is_whole_or_not_there(
    folder: StoredFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = StoredFolder.fetch

    def changes(self: StoredFolder, name: str, *rest: object) -> None:
        folder.write("train/b.bin", b"changed meanwhile")
        fetch(self, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(StoredFolder, "fetch", changes)
    with pytest.raises(DataError, match=r"b\.bin was replaced while it was read"):
        copy_of(folder.uri)
    assert list((tmp_path / "cache" / "places").iterdir()) == []
    monkeypatch.setattr(StoredFolder, "fetch", fetch)
    assert texts(copy_of(folder.uri))["train/b.bin"] == "changed meanwhile"


def test_nothing_and_no_room_are_told(
    folder: StoredFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="none: expected a file or folder, found nothing"):
        copy_of(f"{folder.uri}/none")
    usage = namedtuple("usage", "free")(3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ResourceError, match=r"needs 33 bytes, and .* has 3 left.*ORRERY_CACHE"):
        copy_of(folder.uri)


def test_a_setting_names_a_path_or_what_is_copied(folder: StoredFolder, tmp_path: Path) -> None:
    assert path_of(str(tmp_path), "data") == path_of(f"file://{tmp_path}", "data") == tmp_path
    assert path_of(folder.uri, "data") == copy_of(folder.uri)
    with pytest.raises(ConfigError, match=r"data: .*can't be a path"):
        path_of("x" * 5000, "data")
