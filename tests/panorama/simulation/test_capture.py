"""Whole captures: photos, truth and panorama agree; folders appear whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import rays
from tasks.panorama.input.rig_files.colmap import read_rig
from tasks.panorama.input.truth import load_truth
from tasks.panorama.metrics.misalignment import measure_misalignment
from tasks.panorama.simulation import capture as capture_module
from tasks.panorama.simulation.capture import render_capture, simulate_capture
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.types import Alignment
from tests.support.panorama.equirect import to_pixels

CLEAN = SimulationConfig(
    num_cameras=6,
    width_px=144,
    height_px=192,
    gain_spread=0.0,
    colour_spread=0.0,
    vignetting=0.0,
    noise_grey=0.0,
    panorama_width_px=512,
)
TINY = SimulationConfig(num_cameras=2, width_px=48, height_px=64)
SCENES = ("street", "plaza", "room")


@lru_cache(maxsize=4)
def _clean(scene: str):
    return render_capture(replace(CLEAN, scene=scene))


def _read(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    soft = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0)
    x, y = (points_px[None, :, axis].astype(np.float32) for axis in (0, 1))
    return cv2.remap(soft, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]


def _colour_difference(capture, shift_px: float = 0.0) -> float:
    """Median difference between the colours that two photos show at their true points."""
    points, differences = capture.truth.points, []
    for a, b in np.unique(np.column_stack([points.image_a, points.image_b]), axis=0):
        pair = (points.image_a == a) & (points.image_b == b) & ~points.is_sky
        ones = _read(capture.images[a], points.points_a_px[pair])
        others = _read(capture.images[b], points.points_b_px[pair] + shift_px)
        differences.append(np.abs(ones - others).mean(axis=1))
    return float(np.median(np.concatenate(differences)))


@pytest.mark.parametrize("scene", SCENES)
def test_photos_show_the_same_colours_at_true_points(scene):
    capture = _clean(scene)
    assert _colour_difference(capture) < 3.0
    assert _colour_difference(capture, shift_px=3.0) > 2.0 * _colour_difference(capture)


@pytest.mark.parametrize("scene", SCENES)
def test_depth_leads_to_the_other_photo(scene):
    truth = _clean(scene).truth
    points = truth.points
    for image in range(6):
        mine = (points.image_a == image) & ~points.is_sky
        camera = truth.rig.cameras[image]
        pixels = points.points_a_px[mine]
        x, y = pixels.astype(int).T
        distance = truth.depths_m[image][y, x].astype(float)
        places = camera.centre_m + distance[:, None] * rays(camera, pixels)
        for b in np.unique(points.image_b[mine]):
            other = truth.rig.cameras[b]
            chosen = points.image_b[mine] == b
            towards = places[chosen] - other.centre_m
            seen = rays(other, points.points_b_px[mine][chosen])
            unit = towards / np.linalg.norm(towards, axis=1, keepdims=True)
            assert np.abs(np.cross(unit, seen)).max() < 1e-5


@pytest.mark.parametrize("scene", SCENES)
def test_the_panorama_shows_what_the_photos_show(scene):
    capture = _clean(scene)
    truth = capture.truth
    differences, sky_agrees = [], []
    for image, camera in enumerate(truth.rig.cameras):
        x, y = np.meshgrid(np.arange(4, 140, 6), np.arange(4, 188, 6))
        pixels = np.column_stack([x.ravel(), y.ravel()]).astype(float)
        distance = truth.depths_m[image][y.ravel(), x.ravel()].astype(float)
        looks = rays(camera, pixels)
        solid = np.isfinite(distance)
        places = np.where(
            solid[:, None], camera.centre_m + np.where(solid, distance, 1.0)[:, None] * looks, looks
        )
        spots = to_pixels(places, 512)
        nearest = np.clip(np.rint(spots).astype(int), 0, (511, 255))
        sky_agrees.append(truth.panorama_is_sky[nearest[:, 1], nearest[:, 0]] == ~solid)
        shown = _read(truth.panorama, spots[solid])
        differences.append(np.abs(shown - _read(capture.images[image], pixels[solid])).mean(axis=1))
    assert np.median(np.concatenate(differences)) < 6.0
    assert np.concatenate(sky_agrees).mean() > 0.96


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_well_exposed_and_textured(scene):
    capture = _clean(scene)
    photos = np.stack(capture.images[:6])
    assert 60 < photos.mean() < 170
    assert (photos == 255).mean() < 1e-3
    has_sky = [bool(np.isinf(depth).any()) for depth in capture.truth.depths_m]
    assert any(has_sky) == (scene != "room")
    solid = np.concatenate([depth[np.isfinite(depth)] for depth in capture.truth.depths_m])
    assert 0.8 < solid.min() < 6.0


def test_the_true_rig_leaves_parallax_only_and_the_nominal_one_more():
    settings = replace(CLEAN, centre_offset_m=0.0, timing_error_s=0.0, panorama_width_px=0)
    capture = render_capture(settings)
    points, fields = capture.truth.points, (None,) * 6
    assert measure_misalignment(Alignment(capture.truth.rig, fields), points).p95_px < 1e-3
    assert 1.0 < measure_misalignment(Alignment(capture.rig, fields), points).mean_px < 8.0
    with_parallax = _clean("street").truth
    counted = ~with_parallax.points.is_sky
    error = measure_misalignment(
        Alignment(with_parallax.rig, fields), with_parallax.points, counted
    )
    assert 2.0 < error.mean_px < 20.0


def test_only_the_settings_decide():
    one, again, other = (render_capture(replace(TINY, seed=seed)) for seed in (3, 3, 4))
    for first, second in zip(one.images, again.images, strict=True):
        assert np.array_equal(first, second)
    assert not np.array_equal(one.images[0], other.images[0])
    assert np.array_equal(one.truth.points.points_b_px, again.truth.points.points_b_px)


def test_errors_do_not_change_the_scene():
    exact = replace(CLEAN, num_cameras=2, rotation_error_deg=0.0, panorama_width_px=0)
    plain = render_capture(exact)
    noisy = render_capture(replace(exact, noise_grey=2.0))
    difference = noisy.images[0].astype(float) - plain.images[0]
    assert difference.std() == pytest.approx(2.0, rel=0.1)
    assert abs(difference.mean()) < 0.1


def test_a_folder_holds_photos_nominal_rig_and_truth(tmp_path):
    settings = replace(TINY, panorama_width_px=64)
    simulate_capture(tmp_path / "shots" / "one", settings)
    folder = tmp_path / "shots" / "one"
    assert sorted(path.name for path in folder.iterdir()) == ["images", "sparse", "truth"]
    capture = render_capture(settings)
    rig = read_rig(folder / "sparse", ["level_0.jpg", "level_1.jpg"])
    for read, nominal in zip(rig.cameras, capture.rig.cameras, strict=True):
        assert (read.name, read.model) == (nominal.name, nominal.model)
        assert read.params == pytest.approx(nominal.params)
        assert np.abs(read.camera_from_rig - nominal.camera_from_rig).max() < 1e-9
        assert np.abs(read.centre_m - nominal.centre_m).max() < 1e-9
        photo = cv2.imread(str(folder / "images" / f"{read.name}.jpg"))
        assert photo.shape == (64, 48, 3)
    assert [path.name for path in (tmp_path / "shots").iterdir()] == ["one"]
    assert load_truth(folder).panorama.shape == (32, 64, 3)


def test_an_existing_capture_is_left_alone(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(DataError, match="exists already"):
        simulate_capture(tmp_path / "one", TINY)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(capture_module, "save_truth", full_disk)
    with pytest.raises(OSError, match="No space"):
        simulate_capture(tmp_path / "one", TINY)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "kept").touch()
    with pytest.raises(OSError, match="No space"):
        simulate_capture(tmp_path / "one", TINY, replace_existing=True)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert (tmp_path / "one" / "kept").exists()
