from __future__ import annotations

import os

import pytest

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.panorama.input.captures import survey
from tasks.panorama.input.search import find_captures, frame_id, told_apart
from tasks.panorama.manifests import CaptureFolder
from tests.support.panorama.photo_folders import photos, touch


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


@pytest.mark.parametrize("rig", ["sparse/0/cameras.txt", "capture.pto", ""])
def test_a_folder_for_each_camera(tmp_path, rig):
    for k in range(3):
        photos(tmp_path / "street" / "one" / f"cam{k}", "0001.jpg")
    photos(tmp_path / "room")
    if rig:
        photos(tmp_path / "street" / "one" / "cam0", "0002.jpg")
        touch(tmp_path / "street" / "one" / rig)
    found, odd = find_captures(tmp_path)
    assert (list(found), odd) == (["room", "street-one"], [])
    assert list(find_captures(tmp_path / "street" / "one")[0]) == ["one"]
    assert "cam2/0001" in survey(found["street-one"]).photos


def test_folders_of_captures_are_not_those_of_cameras(tmp_path):
    photos(tmp_path / "a", "1.jpg", "2.jpg")
    photos(tmp_path / "b", "1.jpg")
    assert list(find_captures(tmp_path)[0]) == ["a", "b"], "one photo is a bad capture"
    photos(tmp_path / "c" / "images", "1.jpg", "2.jpg")
    touch(tmp_path / "template.pto")
    assert list(find_captures(tmp_path)[0]) == ["a", "b", "c"]


def test_photos_that_can_not_be_read_make_a_capture(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.panorama.input.formats.reads_heic", lambda: False)
    photos(tmp_path / "phone", "1.heic", "2.heic")
    photos(tmp_path / "camera", "1.nef", "2.nef")
    assert list(find_captures(tmp_path)[0]) == ["camera", "phone"]


def folder(item_id: str) -> CaptureFolder:
    return CaptureFolder(item_id=item_id, path="/x", fingerprint="")


def test_frames_have_ids_of_their_own():
    assert frame_id("street", "0001", ["0001", "0002"]) == "street-0001"
    assert frame_id("street", "0001", ["0001"]) == "street"
    odd = Skipped(item_id="x", reason="y")
    found = told_apart([folder("a-1"), folder("A-1"), folder("b\n"), folder("c"), odd])
    assert [type(each) for each in found] == [Skipped, Skipped, Skipped, CaptureFolder, Skipped]
    assert "another capture is named 'a-1' too" in found[0].reason
