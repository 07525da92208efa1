from __future__ import annotations

import logging
import os

import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.captures import fingerprints, frames_of, survey
from tests.support.panorama.photo_folders import photos, touch


def test_survey(tmp_path):
    images = photos(tmp_path / "images", "left.jpg", "sub/right.png", ".x.jpg", "notes.txt")
    masks = photos(tmp_path / "masks", "left.png", "sub/right.png.png", "other.png")
    touch(tmp_path / "sparse" / "0" / "cameras.txt", tmp_path / "truth" / "cameras.json")
    files = survey(tmp_path)
    assert files.photos == {"left": images / "left.jpg", "sub/right": images / "sub/right.png"}
    assert files.masks == {"left": masks / "left.png", "sub/right": masks / "sub/right.png.png"}
    assert files.rig == tmp_path / "sparse" / "0"
    assert files.truth == {"cameras.json": tmp_path / "truth" / "cameras.json"}
    assert files.odd == {
        "masks/other.png": "it masks nothing, for no photo has its name; rename it"
    }


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
    with pytest.raises(DataError, match=r"found 0; 1\.heic is left out: HEIC .*, and 1 more"):
        survey(tmp_path / "all")


def test_a_capture_is_another_once_its_heic_can_be_read(tmp_path, monkeypatch):
    photos(tmp_path, "a.jpg", "b.heic")
    digests = set()
    for reads in (True, False):
        monkeypatch.setattr("tasks.panorama.input.captures.reads_heic", lambda reads=reads: reads)
        digests.add(fingerprints(tmp_path)[""])
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
    first = fingerprints(tmp_path)[""]
    assert fingerprints(tmp_path)[""] == first
    path = tmp_path / "images" / "a.jpg"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    second = fingerprints(tmp_path)[""]
    touch(tmp_path / "capture.pto")
    assert len({first, second, fingerprints(tmp_path)[""]}) == 3


RIG = "p f2\n" + "".join(
    f'i w96 h128 f0 v60 r0 p0 y{30 * k} n"cam{k}/0001.jpg"\n' for k in range(3)
)


@pytest.fixture(params=["images", ""])
def frames(request, tmp_path):
    """Two frames of a rig of three cameras, in folders for each, and a project of the first."""
    names = [f"cam{k}/000{frame}.jpg" for k in range(3) for frame in (1, 2)]
    photos(tmp_path / request.param, *names)
    photos(tmp_path / "masks", "cam1/0002.png")
    (tmp_path / "rig.pto").write_text(RIG)
    return tmp_path


def test_frames_in_folders_of_cameras(frames):
    assert frames_of(frames) == ("0001", "0002")
    second = survey(frames, "0002")
    assert list(second.photos) == ["cam0/0002", "cam1/0002", "cam2/0002"]
    assert list(second.masks) == ["cam1/0002"]
    assert (second.frame, second.odd, second.rig) == ("0002", {}, frames / "rig.pto")
    assert list(survey(frames, "0001").masks) == []


def test_a_frame_is_done_again_for_its_own_files_alone(frames):
    both = ("0001", "0002")
    before = fingerprints(frames, both)
    touch(frames / "masks" / "cam1" / "0002.png.png")
    after = fingerprints(frames, both)
    assert [before[each] == after[each] for each in both] == [True, False]
    (frames / "rig.pto").write_text(RIG + "# again\n")
    assert not {*after.values()} & {*fingerprints(frames, both).values()}


def test_one_frame_that_the_rig_names_is_the_capture(tmp_path):
    photos(tmp_path, *(f"cam{k}/0001.jpg" for k in range(3)))
    (tmp_path / "rig.pto").write_text(RIG)
    assert frames_of(tmp_path) == ()
    assert list(survey(tmp_path).photos) == ["cam0/0001", "cam1/0001", "cam2/0001"]
    for k in range(3):
        (tmp_path / f"cam{k}/0001.jpg").rename(tmp_path / f"cam{k}/0007.jpg")
    assert frames_of(tmp_path) == ("0007",), "the rig names another frame's photos"


def test_no_frames_without_a_rig_that_can_be_read(tmp_path):
    photos(tmp_path / "images", "row0/1.jpg", "row0/2.jpg", "row1/1.jpg", "row1/2.jpg")
    assert frames_of(tmp_path) == (), "rows of one panorama have the same names, too"
    (tmp_path / "rig.pto").write_text("no project")
    assert frames_of(tmp_path) == ()
