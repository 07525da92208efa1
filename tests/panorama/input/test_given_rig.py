from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.captures import survey
from tasks.panorama.input.given_rig import read_given_rig
from tasks.panorama.input.rig_files import hugin
from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.types import Rig
from tests.support.panorama.captures import small_rig, write_capture


def read(folder):
    return read_given_rig(survey(folder))


def test_a_project(tmp_path):
    write_capture(tmp_path, with_rig=False)
    hugin.write_rig(tmp_path / "capture.pto", small_rig())
    given = read(tmp_path)
    assert (given.source, given.name, given.left_out) == ("hugin", "capture.pto", {})


def test_missing_photo(tmp_path):
    write_capture(tmp_path)
    (tmp_path / "images" / "camera1.jpg").unlink()
    with pytest.raises(DataError, match=r"photo of camera 'camera1' is missing \(1 of 3 are\)"):
        read(tmp_path)


def test_a_photo_that_is_switched_off_is_left_out(tmp_path):
    write_capture(tmp_path, with_rig=False)
    hugin.write_rig(tmp_path / "capture.pto", small_rig())
    project = tmp_path / "capture.pto"
    lines = project.read_text().splitlines()
    comments = ("#-hugin  cropFactor=1", "#-hugin  cropFactor=1", "#-hugin  cropFactor=1 disabled")
    project.write_text("\n".join((*comments, *lines)) + "\n")
    given = read(tmp_path)
    assert [camera.name for camera in given.rig.cameras] == ["camera0", "camera1"]
    assert given.left_out == {"camera2": "switched off in the project"}


def test_rig_with_an_unknown_model(tmp_path):
    path = write_capture(tmp_path) / "sparse" / "cameras.txt"
    path.write_text(path.read_text().replace("PINHOLE", "THIN_PRISM_FISHEYE"))
    with pytest.raises(DataError, match="expected a camera model among"):
        read(tmp_path)


def test_lone_rig_folder_with_other_files(tmp_path):
    write_capture(tmp_path, with_rig=False)
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig" / "notes.md").write_text("none yet")
    with pytest.raises(DataError, match=r"expected cameras\.txt"):
        read(tmp_path)


def test_two_cameras_with_one_name(tmp_path):
    rig = small_rig()
    write_capture(tmp_path, rig)
    write_rig(tmp_path / "sparse", Rig((rig.cameras[0], rig.cameras[0])))
    with pytest.raises(DataError, match="'camera0' is used 2 times"):
        read(tmp_path)
