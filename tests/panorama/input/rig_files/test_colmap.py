from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import project
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.input.rig_files.colmap import camera_views, read_rig, write_rig
from tasks.panorama.types import Rig
from tests.support.hostile.captures import damaged
from tests.support.hostile.refusals import check_sentence
from tests.support.panorama.rigs import make_camera, ring_rig

CAMERAS = "1 SIMPLE_PINHOLE 240 320 200 120 160\n2 OPENCV 240 320 200 201 121 161 .1 .01 0 0\n"
# Turned right by 90 degrees: camera_from_rig is minus 90 degrees about y (down).
RIGHT = "0.7071067811865476 0 -0.7071067811865476 0"
RIGS = f"1 2 CAMERA 1 CAMERA 2 1 {RIGHT} 0 0 0\n"
IMAGES = "1 1 0 0 0 0 0 0 1 left.jpg\n\n2 1 0 0 0 0 0 0 2 sub/right.jpg\n\n"


def model(folder: Path, **files: str) -> Path:
    contents = {"cameras": CAMERAS, "rigs": RIGS, "images": IMAGES} | files
    for name, text in contents.items():
        if text:
            (folder / f"{name}.txt").write_text("# comment\n" + text)
    return folder


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_round_trip(tmp_path_factory, num, seed):
    rng = np.random.default_rng(seed)
    cameras = tuple(
        replace(
            make_camera(
                ("PINHOLE", "OPENCV", "OPENCV_FISHEYE")[i % 3],
                name=f"rig/camera {i}",
                rotation=Rotation.random(rng=rng).as_matrix(),
            ),
            centre_m=rng.normal(size=3),
        )
        for i in range(num)
    )
    folder = tmp_path_factory.mktemp("rig")
    write_rig(folder, Rig(cameras))
    for got, expected in zip(read_rig(folder).cameras, cameras, strict=True):
        assert (got.name, got.model, got.width_px) == (expected.name, expected.model, 240)
        assert np.allclose(got.params, expected.params, rtol=1e-12)
        assert np.allclose(got.camera_from_rig, expected.camera_from_rig, atol=1e-12)
        assert np.allclose(got.centre_m, expected.centre_m, atol=1e-12)


def test_known_answer(tmp_path):
    left, right = read_rig(model(tmp_path)).cameras
    assert (left.name, right.name) == ("left", "sub/right")
    assert left.params == (200, 200, 119.5, 159.5)
    assert right.params == (200, 201, 120.5, 160.5, 0.1, 0.01, 0, 0)
    points, valid = project(right, np.array([[1.0, 0, 0]]))
    assert valid[0]
    assert np.allclose(points, [[120.5, 160.5]])


@pytest.mark.parametrize(
    ("line", "model_name", "params"),
    [
        ("RADIAL 240 320 200 120 160 .1 .01", "OPENCV", (0.1, 0.01, 0, 0)),
        ("SIMPLE_RADIAL 240 320 200 120 160 .1", "OPENCV", (0.1, 0, 0, 0)),
        ("RADIAL_FISHEYE 240 320 200 120 160 .1 .01", "OPENCV_FISHEYE", (0.1, 0.01, 0, 0)),
        ("SIMPLE_RADIAL_FISHEYE 240 320 200 120 160 .1", "OPENCV_FISHEYE", (0.1, 0, 0, 0)),
        ("OPENCV_FISHEYE 240 320 200 200 120 160 1 2 3 4", "OPENCV_FISHEYE", (1, 2, 3, 4)),
    ],
)
def test_simpler_models(tmp_path, line, model_name, params):
    rig = read_rig(model(tmp_path, cameras=f"1 {line}\n2 {line}\n"))
    assert rig.cameras[1].model == model_name
    assert rig.cameras[1].params == (200, 200, 119.5, 159.5, *params)


def test_frame_turns_the_rig(tmp_path):
    frames = f"1 1 {RIGHT} 0 0 0 2 CAMERA 1 1 CAMERA 2 2\n"
    left, right = read_rig(model(tmp_path, frames=frames)).cameras
    assert project(left, np.array([[1.0, 0, 0]]))[1][0]
    assert project(right, np.array([[0, 0, -1.0]]))[1][0]


def test_without_images_the_order_decides(tmp_path):
    folder = model(tmp_path, images="")
    assert [c.name for c in read_rig(folder, ["b", "a"]).cameras] == ["a", "b"]
    with pytest.raises(DataError, match="2 cameras and the capture 3 images"):
        read_rig(folder, ["a", "b", "c"])


def test_older_model_without_rigs(tmp_path):
    images = f"1 1 0 0 0 0 0 0 1 a.jpg\n\n2 {RIGHT} 0 0 0 1 b.jpg\n1.5 2.5 -1\n"
    a, b = read_rig(model(tmp_path, rigs="", images=images)).cameras
    assert (a.name, b.name, b.model) == ("a", "b", "PINHOLE")
    assert project(b, np.array([[1.0, 0, 0]]))[1][0]


# As COLMAP 3.12 writes photos without a rig configuration: each image is a frame of its own.
ALONE = f"1 1 0 0 0 0 0 0 1 a.jpg\n\n2 {RIGHT} 0 0 0 1 b.jpg\n1.5 2.5 -1\n"
ONE_CAMERA = {"rigs": "1 1 CAMERA 1\n", "images": ALONE}
CAMERA_AN_IMAGE = {
    "rigs": "1 1 CAMERA 1\n2 1 CAMERA 2\n",
    "images": ALONE.replace("0 1 b.jpg", "0 2 b.jpg"),
}


@pytest.mark.parametrize("files", [ONE_CAMERA, CAMERA_AN_IMAGE])
def test_without_a_rig_configuration_the_images_poses_count(tmp_path, files):
    frames = f"1 1 1 0 0 0 0 0 0 1 CAMERA 1 1\n2 1 {RIGHT} 0 0 0 1 CAMERA 1 2\n"
    a, b = read_rig(model(tmp_path, **files, frames=frames)).cameras
    assert (a.name, b.name) == ("a", "b")
    assert project(a, np.array([[0.0, 0, 1]]))[1][0]
    assert project(b, np.array([[1.0, 0, 0]]))[1][0]


# Two frames of a rig, of which the second looks right, and images in a folder for each camera.
FRAMES = f"1 1 1 0 0 0 0 0 0 2 CAMERA 1 1 CAMERA 2 2\n2 1 {RIGHT} 0 0 0 2 CAMERA 1 3 CAMERA 2 4\n"
BACK = "0 0 -1 0"
FRAME_IMAGES = (
    f"1 1 0 0 0 0 0 0 1 l/1.jpg\n\n2 {RIGHT} 0 0 0 2 r/1.jpg\n\n"
    f"3 {RIGHT} 0 0 0 1 l/2.jpg\n\n4 {BACK} 0 0 0 2 r/2.jpg\n\n"
)
PHOTOS = ["l/1", "l/2", "l/3", "r/1", "r/2", "r/3"]


@pytest.mark.parametrize(
    ("frame", "left_looks", "right_looks"),
    [("1", (0, 0, 1), (1, 0, 0)), ("2", (1, 0, 0), (0, 0, -1)), ("3", (0, 0, 1), (1, 0, 0))],
)
def test_frames_of_a_rig(tmp_path, frame, left_looks, right_looks):
    folder = model(tmp_path, images=FRAME_IMAGES, frames=FRAMES)
    left, right = read_rig(folder, [f"l/{frame}", f"r/{frame}"], frame).cameras
    assert (left.name, right.name) == (f"l/{frame}", f"r/{frame}")
    assert project(left, np.array([left_looks], float))[1][0]
    assert project(right, np.array([right_looks], float))[1][0]


def test_folders_of_cameras_without_images(tmp_path):
    folder = model(tmp_path, images="")
    assert camera_views(folder, PHOTOS) == [("1", "l/_"), ("2", "r/_")]
    assert camera_views(folder, ["a", "b", "c"]) == []
    assert [c.name for c in read_rig(folder, ["l/3", "r/3"], "3").cameras] == ["l/3", "r/3"]


def test_frames_without_a_rig_configuration(tmp_path):
    folder = model(tmp_path, images=FRAME_IMAGES, rigs="1 1 CAMERA 1\n2 1 CAMERA 2\n")
    assert [c.name for c in read_rig(folder, PHOTOS, "2").cameras] == ["l/2", "r/2"]
    with pytest.raises(DataError, match=r"no images of frame '3'.*configure a rig in COLMAP"):
        read_rig(folder, PHOTOS, "3")


def test_images_of_other_captures_do_not_count(tmp_path):
    images = FRAME_IMAGES.replace("/", "_")
    folder = model(tmp_path, images=images, frames=FRAMES)
    left, right = read_rig(folder, ["l_2", "r_2"]).cameras
    assert (left.name, right.name) == ("l_2", "r_2")
    assert project(left, np.array([[1.0, 0, 0]]))[1][0], "turned as in its own frame"
    with pytest.raises(DataError, match="camera 1 has two images, 'l_1' and 'l_2'; put the photos"):
        read_rig(folder, ["l_1", "l_2", "r_1", "r_2"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"cameras": CAMERAS.replace("OPENCV", "FOV")}, "line 3: expected a camera model.*'FOV'"),
        ({"cameras": CAMERAS.replace("201", "nan")}, "line 3: expected a finite number.*'nan'"),
        ({"cameras": CAMERAS.replace(" .01 0 0", "")}, "expected 12 values, found 9"),
        ({"cameras": CAMERAS.replace("200", "-5")}, "positive size and focal length"),
        ({"cameras": CAMERAS.replace("2 OPENCV", "7 OPENCV")}, "camera 2 .* not in cameras.txt"),
        ({"rigs": RIGS.replace("0.7071", "0.9")}, "unit quaternion"),
        ({"rigs": RIGS.replace("CAMERA 2 1", "CAMERA 2 0")}, "a pose for camera 2"),
        ({"rigs": RIGS.replace("CAMERA 2", "IMU 2")}, "only CAMERA sensors"),
        ({"rigs": RIGS[:40]}, "cut short"),
        ({"rigs": RIGS + RIGS}, "expected one rig, found 2"),
        ({"rigs": "1 1 CAMERA 1\n", "images": ""}, "expected a rig of several cameras"),
        ({"images": IMAGES.replace("sub/right", "left")}, "'left' is used 2 times"),
        ({"images": IMAGES.replace("2 sub", "1 sub")}, "camera 1 has two images"),
        ({"cameras": ""}, "expected cameras.txt"),
    ],
)
def test_bad_files(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        read_rig(model(tmp_path, **files))


def test_binary_model(tmp_path):
    (tmp_path / "cameras.bin").write_bytes(b"\0")
    with pytest.raises(DataError, match="model_converter"):
        read_rig(tmp_path)


def test_too_many_cameras(tmp_path):
    write_rig(tmp_path, ring_rig(101, 3.0))
    with pytest.raises(DataError, match="2 to 100 cameras, found 101"):
        read_rig(tmp_path)


def test_hugin_lens_has_no_colmap_model(tmp_path):
    with pytest.raises(DataError, match="no lens model HUGIN"):
        write_rig(tmp_path, ring_rig(2, 20.0, model="HUGIN"))


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_model_is_a_rig_or_is_refused_by_its_file(tmp_path, seed):
    rng = np.random.default_rng(seed)
    folder = model(tmp_path)
    texts = {path: path.read_bytes() for path in sorted(folder.glob("*.txt"))}
    for _ in range(20):
        path = list(texts)[rng.integers(len(texts))]
        path.write_bytes(damaged(texts[path], rng))
        try:
            rig = read_rig(folder)
            overlapping_pairs(rig, 0.02)
        except DataError as error:
            check_sentence(str(error), str(folder))
        path.write_bytes(texts[path])
