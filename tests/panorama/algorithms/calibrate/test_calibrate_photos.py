from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.calibrate_photos import calibrate_photos
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.input.photos import open_photo
from tasks.panorama.types import Camera, Rig
from tests.support.panorama.rigs import make_camera
from tests.support.panorama.views import photograph, textured_sphere
from tests.support.real_data import real_data


def level_ring(yaws_deg: list[float], focal_px: float = 260.0) -> Rig:
    rng = np.random.default_rng(2)
    cameras = []
    for index, yaw in enumerate(yaws_deg):
        pitch, roll = rng.normal(0, 1.5, 2)
        rotation = Rotation.from_euler("YXZ", [yaw, pitch, roll], degrees=True).as_matrix().T
        camera = make_camera("OPENCV", name=f"photo{index}", rotation=rotation)
        cameras.append(
            replace(
                camera,
                width_px=300,
                height_px=240,
                params=(focal_px, focal_px, 149.5, 119.5, -0.04, 0.0, 0.0, 0.0),
            )
        )
    return Rig(tuple(cameras))


def mean_error_px(found: Rig, true: Rig) -> float:
    """Mean distance in px between where both rigs see one camera's pixels in another."""
    pixels = np.random.default_rng(0).uniform(0, [299, 239], (300, 2))
    errors = []
    for i in range(len(true.cameras)):
        j = (i + 1) % len(true.cameras)
        expected, both = project(true.cameras[j], rays(true.cameras[i], pixels))
        got, _ = project(found.cameras[j], rays(found.cameras[i], pixels))
        errors.extend(np.linalg.norm(got - expected, axis=1)[both])
    assert len(errors) > 100
    return float(np.mean(errors))


def test_full_ring_closes():
    true = level_ring([40.0 * i for i in range(9)])
    sphere = textured_sphere()
    result = calibrate_photos(
        [photograph(camera, sphere) for camera in true.cameras], [c.name for c in true.cameras]
    )
    assert result.used == tuple(range(9))
    assert result.stats["focal_px"] == pytest.approx(260, rel=0.01)
    assert result.stats["k1"] == pytest.approx(-0.04, abs=0.02)
    assert result.stats["rms_px"] < 0.6
    assert mean_error_px(result.rig, true) < 0.5
    ups = np.array([-camera.camera_from_rig[:, 1] for camera in result.rig.cameras])
    true_ups = np.array([-camera.camera_from_rig[:, 1] for camera in true.cameras])
    tilt = np.degrees(np.arccos(np.clip((ups * true_ups).sum(axis=1), -1, 1)))
    assert tilt.max() < 1.5


def test_photos_that_do_not_belong_are_listed():
    true = level_ring([0.0, 25.0, 50.0, 180.0])
    sphere, other = textured_sphere(), textured_sphere(seed=9)
    images = [photograph(camera, sphere) for camera in true.cameras]
    images.append(photograph(true.cameras[0], other))
    result = calibrate_photos(images, ["a", "b", "c", "d", "e"])
    assert result.used == (0, 1, 2)
    assert [camera.name for camera in result.rig.cameras] == ["a", "b", "c"]
    assert sorted(result.left_out) == [3, 4]
    assert "no other photo overlaps it" in result.left_out[3]


def test_no_overlap_at_all():
    true = level_ring([0.0, 120.0])
    sphere = textured_sphere()
    images = [photograph(camera, sphere) for camera in true.cameras]
    with pytest.raises(DataError, match="photos a to b: expected at least two that overlap"):
        calibrate_photos(images, ["a", "b"])
    blank = [np.full((60, 80, 3), 90, np.uint8)] * 2
    with pytest.raises(DataError, match="expected at least two that overlap"):
        calibrate_photos(blank, ["a", "b"])


def test_same_photos_give_the_same_rig():
    true = level_ring([0.0, 30.0])
    images = [photograph(camera, textured_sphere()) for camera in true.cameras]
    first, second = (calibrate_photos(images, ["a", "b"]).rig for _ in range(2))
    for a, b in zip(first.cameras, second.cameras, strict=True):
        assert a.params == b.params
        assert np.array_equal(a.camera_from_rig, b.camera_from_rig)


def heading_deg(camera: Camera) -> float:
    forward = camera.camera_from_rig[2]
    return float(np.degrees(np.arctan2(forward[0], forward[2])))


@pytest.mark.parametrize(
    ("folder", "num", "largest_rms_px", "span_deg"),
    [("strips/dhw-carpark", 5, 2.0, 132), ("pairs/dfw_door", 2, 2.5, 0)],
)
def test_real_photos(folder, num, largest_rms_px, span_deg):
    photos = [open_photo(p) for p in sorted(real_data("panorama", folder).glob("*.jpg"))]
    result = calibrate_photos(
        [photo.pixels for photo in photos],
        [str(i) for i in range(len(photos))],
        [photo.focal_px for photo in photos],
    )
    assert len(result.used) == num
    assert result.stats["rms_px"] < largest_rms_px
    assert result.stats["focal_over_exif"] == pytest.approx(1, abs=0.15)
    headings = [heading_deg(camera) for camera in result.rig.cameras]
    assert max(headings) - min(headings) == pytest.approx(span_deg, abs=4)


def test_a_link_that_contradicts_the_others_goes():
    """A piece of the first photo in the last one claims that the row closes to a ring."""
    true = level_ring([0.0, 25.0, 50.0, 75.0])
    images = [photograph(camera, textured_sphere()) for camera in true.cameras]
    images[3][:, 220:] = images[0][:, :80]
    result = calibrate_photos(images, ["a", "b", "c", "d"])
    assert result.used == (0, 1, 2, 3)
    headings = [heading_deg(camera) for camera in result.rig.cameras]
    assert max(headings) - min(headings) == pytest.approx(75, abs=2)
