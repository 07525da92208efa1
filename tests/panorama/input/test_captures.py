from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.captures import find_captures, fingerprint, survey


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def photos(folder: Path, *names: str) -> Path:
    touch(*(folder / name for name in names or ("a.jpg", "b.JPG")))
    return folder


def test_one_capture(tmp_path):
    photos(tmp_path / "garden" / "images")
    assert find_captures(tmp_path / "garden")[0] == {"garden": tmp_path / "garden"}
    photos(tmp_path / "plain")
    assert find_captures(tmp_path / "plain")[0] == {"plain": tmp_path / "plain"}


def test_folders_of_captures(tmp_path):
    photos(tmp_path / "street" / "two" / "images")
    photos(tmp_path / "street" / "one")
    photos(tmp_path / "room")
    photos(tmp_path / ".hidden")
    photos(tmp_path / "__MACOSX" / "room", "._a.jpg")
    photos(tmp_path / "@eaDir" / "a.jpg", "SYNOPHOTO_THUMB_M.jpg")
    (tmp_path / "empty").mkdir()
    found, odd = find_captures(tmp_path)
    assert odd == []
    assert list(found) == ["empty", "room", "street-one", "street-two"]
    assert found["street-two"] == tmp_path / "street" / "two"


def test_no_captures(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="it does not exist"):
        find_captures(tmp_path / "none")
    touch(tmp_path / "file")
    with pytest.raises(DataError, match="found a file"):
        find_captures(tmp_path / "file")
    with pytest.raises(DataError, match="expected photos, or folders with photos, found none"):
        find_captures(tmp_path)

    def deny(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(DataError, match="readable folder: Permission denied"):
        find_captures(tmp_path)


def test_two_folders_of_one_name(tmp_path):
    photos(tmp_path / "a" / "b-c")
    photos(tmp_path / "a-b" / "c")
    photos(tmp_path / "d")
    found, odd = find_captures(tmp_path)
    assert list(found) == ["d"], "neither would be told from the other"
    assert [each.item_id for each in odd] == ["a/b-c", "a-b/c"]
    assert all("would be named 'a-b-c' too; rename one of them" in each.reason for each in odd)


def test_survey(tmp_path, caplog):
    images = photos(tmp_path / "images", "left.jpg", "sub/right.png", ".x.jpg", "notes.txt")
    masks = photos(tmp_path / "masks", "left.png", "sub/right.png.png", "other.png")
    touch(tmp_path / "sparse" / "0" / "cameras.txt", tmp_path / "truth" / "cameras.json")
    with caplog.at_level(logging.WARNING):
        files = survey(tmp_path)
    assert files.photos == {"left": images / "left.jpg", "sub/right": images / "sub/right.png"}
    assert files.masks == {"left": masks / "left.png", "sub/right": masks / "sub/right.png.png"}
    assert files.rig == tmp_path / "sparse" / "0"
    assert files.truth == {"cameras.json": tmp_path / "truth" / "cameras.json"}
    assert "other.png: the mask belongs to no photo" in caplog.text


def test_pictures_that_can_not_be_read_are_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("tasks.panorama.input.formats.reads_heic", lambda: False)
    names = ("a.jpg", "a.cr2", "b.jpg", "c.heic", "d.nef", "notes.txt")
    photos(tmp_path / "images", *names, "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "Thumbs.db")
    with caplog.at_level(logging.WARNING):
        files = survey(tmp_path)
    assert list(files.photos) == ["a", "b"]
    assert list(files.odd) == ["images/c.heic", "images/d.nef"], "a.cr2 is there as a.jpg"
    assert "images/c.heic is left out: HEIC is read where the package pillow-heif" in caplog.text
    photos(tmp_path / "all", "1.heic", "2.heic")
    assert "all" in find_captures(tmp_path / "all")[0]
    with pytest.raises(DataError, match=r"found 0; 1\.heic is left out: HEIC .*, and 1 more"):
        survey(tmp_path / "all")


def test_a_capture_is_another_once_its_heic_can_be_read(tmp_path, monkeypatch):
    photos(tmp_path, "a.jpg", "b.heic")
    digests = set()
    for reads in (True, False):
        monkeypatch.setattr("tasks.panorama.input.captures.reads_heic", lambda reads=reads: reads)
        digests.add(fingerprint(tmp_path))
    assert len(digests) == 2


def test_photos_beside_a_hugin_project(tmp_path):
    photos(tmp_path, "a.jpg", "b.jpg", "capture.pto")
    files = survey(tmp_path)
    assert files.rig == tmp_path / "capture.pto"
    assert list(files.photos) == ["a", "b"]


@pytest.mark.parametrize("num", [0, 1, 101])
def test_number_of_photos(tmp_path, num):
    for index in range(num):
        touch(tmp_path / f"{index:03}.jpg")
    with pytest.raises(DataError, match=f"expected 2 to 100 photos .* found {num}"):
        survey(tmp_path)


def test_two_photos_with_one_name(tmp_path):
    photos(tmp_path, "a.jpg", "a.png")
    with pytest.raises(DataError, match=r"two photos have the name 'a', a\.jpg and a\.png"):
        survey(tmp_path)


def test_two_rigs(tmp_path):
    photos(tmp_path, "a.jpg", "b.jpg", "x.pto", "rig/cameras.txt")
    with pytest.raises(DataError, match=r"expected one rig, found rig and x\.pto"):
        survey(tmp_path)


def test_fingerprint_follows_every_file(tmp_path):
    photos(tmp_path / "images")
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    path = tmp_path / "images" / "a.jpg"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    second = fingerprint(tmp_path)
    touch(tmp_path / "capture.pto")
    assert len({first, second, fingerprint(tmp_path)}) == 3
