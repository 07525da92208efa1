from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.looks.sensor import develop, noise_rng, sense
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.types import Camera, Look, Scene
from tests.support.grasping.flat_scenes import box_on_floor, camera, plain_look

GREY = np.full((64, 64, 3), 120, np.uint8)
TEXTURES = generated_textures(np.random.default_rng(0), 4)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def narrow() -> Camera:
    return camera(view_deg=0.5)  # no falling off to the corners


def scene(look: Look | None, lens: Camera) -> Scene:
    return Scene("s", (), nominal_dynamics(0), lens, look, noise_seed=77)


def test_ideal_sensor_changes_nothing():
    picture = rng().integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(sense(picture, plain_look(), narrow(), rng()), picture)


def test_noise_has_its_deviation_in_each_channel_and_is_independent():
    noisy = sense(GREY, plain_look(noise_sigma=5.0), narrow(), rng()).astype(float) - 120
    np.testing.assert_allclose(noisy.std((0, 1)), 5, rtol=0.05)
    np.testing.assert_allclose(noisy.mean((0, 1)), 0, atol=0.3)
    assert np.abs(np.corrcoef(noisy.reshape(-1, 3).T) - np.eye(3)).max() < 0.05


def test_gain_is_per_channel_and_clips():
    seen = sense(GREY, plain_look(gain=(0.5, 1.0, 3.0)), narrow(), rng())
    assert seen[32, 32].tolist() == [60, 120, 255]


def test_blur_spreads_a_dot_by_its_deviation():
    dot = np.zeros((64, 64, 3), np.uint8)
    dot[32, 32] = 255
    blurred = sense(dot, plain_look(blur_px=1.5), narrow(), rng())[..., 0].astype(float)
    columns = np.arange(64)
    weights = blurred.sum(0) / blurred.sum()
    assert (weights * columns).sum() == pytest.approx(32, abs=0.01)
    deviation = np.sqrt((weights * (columns - 32) ** 2).sum())
    assert deviation == pytest.approx(1.5, rel=0.15)


@pytest.mark.parametrize("motion_px", [(2.4, 0.0), (0.0, -1.0), (1.5, 1.5)])
def test_motion_draws_a_dot_out_along_its_way(motion_px: tuple[float, float]):
    dot = np.zeros((64, 64, 3), np.uint8)
    dot[32, 32] = 255
    smeared = sense(dot, plain_look(motion_px=motion_px), narrow(), rng())[..., 0].astype(float)
    weights = smeared / smeared.sum()
    assert smeared.sum() == pytest.approx(255, abs=8)
    row, column = ((weights * axis).sum() for axis in np.mgrid[:64, :64])
    assert (row, column) == (pytest.approx(32, abs=0.05), pytest.approx(32, abs=0.05))
    spread = np.cov(np.mgrid[:64, :64].reshape(2, -1)[::-1], aweights=weights.ravel(), ddof=0)
    way = np.outer(motion_px, motion_px) / 12  # of a point that moves evenly
    assert np.abs(spread - way).max() < 0.3  # a pixel is that wide
    assert np.sign(spread[0, 1].round(2)) == np.sign(way[0, 1])


def test_corners_are_darker_by_the_fourth_power_of_the_cosine():
    lens = camera(view_deg=60)
    white = np.full((64, 64, 3), 255, np.uint8)
    seen = sense(white, plain_look(), lens, rng())
    corner = np.arctan(np.hypot(31.5, 31.5) / lens.fx_px)
    assert seen[0, 0, 0] == pytest.approx(255 * np.cos(corner) ** 4, abs=1)
    assert seen[32, 32, 0] >= 254


def test_each_picture_has_noise_of_its_own_whatever_was_taken_before():
    lens = camera(distortion=(-0.1, 0.0))
    look = plain_look(noise_sigma=4.0)
    rendering = box_on_floor(lens)
    taken = scene(look, lens)

    third = develop(rendering, taken, TEXTURES, 3)
    fourth = develop(rendering, taken, TEXTURES, 4)
    again = develop(rendering, taken, TEXTURES, 3)
    other = develop(rendering, replace(taken, noise_seed=78), TEXTURES, 3)

    np.testing.assert_array_equal(third.rgb, again.rgb)
    assert (third.rgb != fourth.rgb).mean() > 0.3
    assert (third.rgb != other.rgb).mean() > 0.3
    for name in ("class_ids", "instance_ids", "depth_m"):
        np.testing.assert_array_equal(getattr(third, name), getattr(fourth, name))


def test_plain_scene_keeps_the_engines_picture():
    lens = camera()
    rendering = replace(box_on_floor(lens), rgb=GREY)
    assert develop(rendering, scene(None, lens), TEXTURES, 0) is rendering


def test_noise_generators_differ():
    taken = scene(None, camera())
    assert noise_rng(taken, 0).random() == noise_rng(taken, 0).random()
    assert noise_rng(taken, 0).random() != noise_rng(taken, 1).random()
