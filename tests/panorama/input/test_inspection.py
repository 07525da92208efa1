from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.config import InspectConfig
from tasks.panorama.input.captures import survey
from tasks.panorama.input.inspection import inspect_capture
from tasks.panorama.input.photos import decode_mask, read_mask
from tasks.panorama.input.rig_files import hugin
from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.pictures.imprint import yaw_deg
from tasks.panorama.types import Rig
from tests.support.panorama.captures import small_rig, write_capture
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.spheres import photo_of_sphere


def inspect(folder, *, trust_rigs=False):
    return inspect_capture(survey(folder), InspectConfig(0.02, trust_rigs, 32))


def test_colmap_capture(tmp_path):
    photos, used = inspect(write_capture(tmp_path))
    assert used.source == "colmap"
    assert [camera.name for camera in used.rig.cameras] == ["camera0", "camera1", "camera2"]
    assert used.left_out == {}
    assert [photo.size_px for photo in photos] == [(96, 128)] * 3
    assert photos[0].thumbnail.shape == (32, 24, 3)
    assert used.check.rig == "good"
    assert used.check.photos == ()


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


def test_masks_of_all_kinds_come_together(tmp_path):
    write_capture(tmp_path, with_rig=False)
    hugin.write_rig(tmp_path / "capture.pto", small_rig(), ".png")
    project = tmp_path / "capture.pto"
    with project.open("a") as file:
        file.write('k i1 t0 p"0 0 20 0 20 20 0 20"\n')
    photo = tmp_path / "images" / "camera1.jpg"
    pixels = cv2.imread(str(photo))
    photo.unlink()
    alpha = np.full((128, 96, 1), 255, np.uint8)
    alpha[:, 90:] = 0
    cv2.imwrite(str(photo.with_suffix(".png")), np.dstack([pixels, alpha]))
    mask = np.full((128, 96), 255, np.uint8)
    mask[100:] = 0
    (tmp_path / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "masks" / "camera1.png"), mask)
    cv2.imwrite(str(tmp_path / "masks" / "camera2.png"), np.full_like(mask, 255))
    none, masked, white = (photo.mask_png for photo in inspect(tmp_path)[0])
    assert none is None
    assert white is None, "it excludes nothing"
    (tmp_path / "found.png").write_bytes(masked)
    usable = read_mask(tmp_path / "found.png")
    expected = (mask > 0) & (alpha[..., 0] > 0)
    expected[:21, :21] = False
    assert np.array_equal(usable, expected)


def test_what_is_masked_does_not_calibrate(tmp_path):
    found = []
    for name, grey in (("dark", 0), ("light", 255)):
        folder = write_capture(tmp_path / name, ring_rig(3, 30.0), with_rig=False, sphere_px=1536)
        photo = folder / "images" / "camera1.jpg"
        pixels = cv2.imread(str(photo))
        pixels[100:200, 60:140] = grey
        usable = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        usable[100:200, 60:140] = 0
        photo.unlink()
        cv2.imwrite(str(photo.with_suffix(".png")), np.dstack([pixels, usable]))
        found.append(inspect(folder)[1])
    assert found[0].figures == found[1].figures
    assert len(found[0].rig.cameras) == 3


def test_both_circles_of_one_picture_are_two_cameras_each_within_its_circle(tmp_path):
    half = 'i w640 h320 f2 v400 r0 p0 y{} a0 b0 c0 d{} e0 S{},{},0,320 n"360.jpg"'
    lines = half.format(0, -160, 0, 320), half.format(180, 160, 320, 640)
    (tmp_path / "capture.pto").write_text("\n".join(lines) + "\n")
    cameras = hugin.read_rig(tmp_path / "capture.pto", ["360"]).cameras
    picture = np.hstack(
        [photo_of_sphere(cameras[0])[:, :320], photo_of_sphere(cameras[1])[:, 320:]]
    )
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "360.jpg"), picture)
    mask = np.full((320, 640), 255, np.uint8)
    mask[:, 310:330] = 0  # of the picture, and so of both
    cv2.imwrite(str(tmp_path / "masks" / "360.png"), mask)

    photos, used = inspect(tmp_path)

    assert [photo.name for photo in photos] == ["360", "360:2"]
    assert {photo.path for photo in photos} == {tmp_path / "images" / "360.jpg"}
    assert [camera.name for camera in used.rig.cameras] == ["360", "360:2"]
    assert (used.check.rig, used.check.photos, used.left_out) == ("good", (), {})
    front, back = (decode_mask(photo.mask_png) for photo in photos)
    assert np.array_equal(front, back[:, ::-1])
    assert front[160, 5:310].all()
    assert not front[:, 310:].any()
    assert front.sum() == pytest.approx(np.pi * 160**2, rel=0.04)


@pytest.fixture
def ring(tmp_path):
    """Five photos of 30 degrees each, large enough for sparse matches, and their rig."""
    rig = ring_rig(5, 30.0)
    return rig, write_capture(tmp_path / "ring", rig, sphere_px=1536)


def swap(folder, first, second):
    images = folder / "images"
    (images / f"{first}.jpg").rename(images / "held.jpg")
    (images / f"{second}.jpg").rename(images / f"{first}.jpg")
    (images / "held.jpg").rename(images / f"{second}.jpg")


def test_a_sound_capture_is_not_doubted(ring):
    _, used = inspect(ring[1])
    assert len(used.rig.cameras) == 5
    assert (used.check.rig, used.check.rig_fault, used.check.photos) == ("good", "", ())
    assert {each.verdict for each in used.check.overlaps} == {"good"}
    assert all(each.num_agreeing > 20 for each in used.check.overlaps if each.num_expected > 100)


def test_photos_that_contradict_their_rig_are_left_out_and_their_neighbours_stay(ring):
    _, folder = ring
    swap(folder, "camera2", "camera3")
    _, used = inspect(folder)
    assert [camera.name for camera in used.rig.cameras] == ["camera0", "camera1", "camera4"]
    assert set(used.left_out) == {"camera2", "camera3"}
    assert used.left_out["camera2"] == "it looks elsewhere than the rig says"
    assert {(p.name, p.verdict) for p in used.check.photos} == {
        ("camera2", "rejected"),
        ("camera3", "rejected"),
    }
    _, trusted = inspect(folder, trust_rigs=True)
    assert len(trusted.rig.cameras) == 5
    assert trusted.left_out == {}
    assert trusted.check == used.check, "it is said all the same"


def test_a_rig_of_other_photos_is_named_and_the_photos_are_calibrated(ring):
    rig, folder = ring
    order = (3, 0, 4, 1, 2)
    wrong = [
        replace(rig.cameras[index], name=camera.name)
        for index, camera in zip(order, rig.cameras, strict=True)
    ]
    write_rig(folder / "sparse", Rig(tuple(wrong)))
    shutil.copy(folder / "images" / "camera0.jpg", folder / "images" / "apart.jpg")
    _, used = inspect(folder)
    assert used.left_out == {"apart": "the rig has no camera of this name"}
    assert used.source == "photos"
    assert len(used.rig.cameras) == 5
    assert used.figures["focal_px"] == pytest.approx(200, rel=0.05)
    assert used.check.rig == "rejected"
    assert used.check.rig_fault.startswith("sparse: the rig does not fit these photos")
    _, trusted = inspect(folder, trust_rigs=True)
    assert trusted.source == "colmap"
    assert trusted.check.rig == "rejected"
    assert "the photos don't bear out this rig" in trusted.check.rig_fault


def test_black_frames_and_spare_exposures_are_left_out(ring):
    _, folder = ring
    shutil.rmtree(folder / "sparse")
    photo = cv2.imread(str(folder / "images" / "camera1.jpg"))
    for name, gain in (("camera1 dark", 0.4), ("camera1 light", 1.8)):
        light = np.clip(photo * gain, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), light)
    cv2.imwrite(str(folder / "images" / "cap.jpg"), np.zeros_like(photo))
    _, used = inspect(folder)
    assert len(used.rig.cameras) == 5
    assert used.left_out == {
        "cap": "it is black",
        "camera1 dark": "it is a darker exposure of camera1; one of each bracket is used",
        "camera1 light": "it is a lighter exposure of camera1; one of each bracket is used",
    }
    assert {(p.name, p.verdict) for p in used.check.photos} == {
        ("cap", "rejected"),
        ("camera1 dark", "suspect"),
        ("camera1 light", "suspect"),
    }


def test_too_few_photos_that_fit_their_rig(tmp_path):
    folder = write_capture(tmp_path, small_rig(2))
    cv2.imwrite(str(folder / "images" / "camera1.jpg"), np.zeros((128, 96, 3), np.uint8))
    with pytest.raises(
        DataError, match="expected at least 2 photos that fit it, found 1; camera1: it"
    ):
        inspect(folder)
