from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.input.captures import survey
from tasks.panorama.input.inspection import inspect_capture
from tasks.panorama.input.rig_files import hugin
from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.pictures.imprint import yaw_deg
from tasks.panorama.types import Rig
from tests.support.panorama.captures import small_rig, write_capture
from tests.support.panorama.rigs import ring_rig


def inspect(folder):
    return inspect_capture(survey(folder), 0.02, 32)


def test_colmap_capture(tmp_path):
    photos, used = inspect(write_capture(tmp_path))
    assert used.source == "colmap"
    assert [camera.name for camera in used.rig.cameras] == ["camera0", "camera1", "camera2"]
    assert used.left_out == {}
    assert [photo.size_px for photo in photos] == [(96, 128)] * 3
    assert photos[0].thumbnail.shape == (32, 24, 3)
    assert photos[0].features is None


def test_hugin_capture(tmp_path):
    write_capture(tmp_path, with_rig=False)
    hugin.write_rig(tmp_path / "capture.pto", small_rig())
    assert inspect(tmp_path)[1].source == "hugin"


def test_photos_only(tmp_path):
    _, used = inspect(write_capture(tmp_path, ring_rig(3, 30.0), with_rig=False, sphere_px=1536))
    assert used.source == "photos"
    assert used.figures["focal_px"] == pytest.approx(200, rel=0.03)
    assert len(used.rig.cameras) == 3


def test_what_does_not_overlap_is_left_out(tmp_path):
    far = small_rig(6, 60.0).cameras[3]
    rig = Rig((*small_rig().cameras, replace(far, name="far")))
    write_capture(tmp_path, rig)
    cv2.imwrite(str(tmp_path / "images" / "extra.jpg"), np.zeros((9, 9, 3), np.uint8))
    _, used = inspect(tmp_path)
    assert len(used.rig.cameras) == 3
    assert used.left_out == {
        "far": "does not overlap with the 3 photos in use",
        "extra": "the rig has no camera of this name",
    }


def test_a_rig_that_looks_back_is_turned_to_the_middle(tmp_path):
    back = Rotation.from_euler("y", 145, degrees=True).as_matrix().T
    turned = tuple(
        replace(camera, camera_from_rig=camera.camera_from_rig @ back)
        for camera in small_rig().cameras
    )
    _, used = inspect(write_capture(tmp_path, Rig(turned)))
    yaws = [yaw_deg(camera) for camera in used.rig.cameras]
    assert yaws == pytest.approx([-35, 0, 35], abs=5)
    assert used.forward_deg == pytest.approx(yaws[0] - 145)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "cameras.json").write_text("{}")
    _, used = inspect(tmp_path)
    assert yaw_deg(used.rig.cameras[0]) == pytest.approx(145), "the truth lies in the rig's frame"


def test_no_overlap_at_all(tmp_path):
    with pytest.raises(DataError, match="no two of the 3 cameras overlap by 2% of an image"):
        inspect(write_capture(tmp_path, small_rig(3, 100.0)))


def test_missing_photo(tmp_path):
    write_capture(tmp_path)
    (tmp_path / "images" / "camera1.jpg").unlink()
    with pytest.raises(DataError, match=r"photo of camera 'camera1' is missing \(1 of 3 are\)"):
        inspect(tmp_path)


def test_wrong_size_against_the_rig(tmp_path):
    write_capture(tmp_path)
    path = tmp_path / "images" / "camera1.jpg"
    cv2.imwrite(str(path), np.zeros((64, 48, 3), np.uint8))
    with pytest.raises(DataError, match=r"camera1\.jpg: expected 96 x 128 px .* found 48 x 64"):
        inspect(tmp_path)


def test_truncated_photo(tmp_path):
    path = write_capture(tmp_path) / "images" / "camera2.jpg"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"camera2\.jpg: expected a whole JPEG"):
        inspect(tmp_path)


@pytest.mark.parametrize(
    ("stored", "orientation", "expected"),
    [((96, 128), 1, 1), ((96, 128), 3, 1), ((128, 96), 6, 6)],
)
def test_orientation_against_the_rig(tmp_path, stored, orientation, expected):
    write_capture(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", stored).save(tmp_path / "images" / "camera1.jpg", exif=exif)
    photo = inspect(tmp_path)[0][1]
    assert (photo.orientation, photo.size_px) == (expected, (96, 128))


def test_mask_of_another_size(tmp_path):
    write_capture(tmp_path)
    (tmp_path / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "masks" / "camera0.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(DataError, match=r"camera0\.png: expected a mask of 96 x 128 px"):
        inspect(tmp_path)


def test_rig_with_an_unknown_model(tmp_path):
    path = write_capture(tmp_path) / "sparse" / "cameras.txt"
    path.write_text(path.read_text().replace("PINHOLE", "THIN_PRISM_FISHEYE"))
    with pytest.raises(DataError, match="expected a camera model among"):
        inspect(tmp_path)


def test_lone_rig_folder_with_other_files(tmp_path):
    write_capture(tmp_path, with_rig=False)
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig" / "notes.md").write_text("none yet")
    with pytest.raises(DataError, match=r"expected cameras\.txt"):
        inspect(tmp_path)


def test_two_cameras_with_one_name(tmp_path):
    rig = small_rig()
    write_capture(tmp_path, rig)
    write_rig(tmp_path / "sparse", Rig((rig.cameras[0], rig.cameras[0])))
    with pytest.raises(DataError, match="'camera0' is used 2 times"):
        inspect(tmp_path)
