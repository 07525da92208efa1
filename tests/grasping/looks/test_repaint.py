from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.algorithms.appearance import random_look
from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.data.png import decode_depth, encode_depth
from tasks.grasping.looks.repaint import repaint, repaint_attempt
from tasks.grasping.looks.sensor import develop, noise_rng
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.types import Attempt, GripperPose, Rendering, Scene, Step
from tests.support.grasping.flat_scenes import box_on_floor, camera

TEXTURES = generated_textures(np.random.default_rng(0), 8)
POSE = GripperPose(0.6, 0.0, 0.1, 0.0)


def stored(rendering: Rendering) -> Rendering:
    """The rendering after its depth was a PNG of 0.1 mm."""
    return replace(rendering, depth_m=decode_depth(encode_depth(rendering.depth_m)))


@pytest.mark.parametrize("distortion", [(0.0, 0.0), (-0.11, 0.02)])
def test_repainting_a_stored_scene_is_like_having_painted_it(distortion: tuple[float, float]):
    lens = camera(size_px=128, distortion=distortion)
    rendering = box_on_floor(lens)
    rendering.depth_m[:3] = np.inf
    look = replace(random_look(1, 8, np.random.default_rng(3)), noise_sigma=2.0)
    scene = Scene("s", (), nominal_dynamics(0), lens, look, noise_seed=1)
    painted = develop(rendering, scene, TEXTURES, 0)

    again = repaint(stored(painted), look, TEXTURES, noise_rng(scene, 0))

    difference = np.abs(again.rgb[4:-4, 4:-4].astype(int) - painted.rgb[4:-4, 4:-4])
    assert np.median(difference) <= 4
    assert difference.mean() < 8
    np.testing.assert_array_equal(again.class_ids, painted.class_ids)
    np.testing.assert_array_equal(again.instance_ids, painted.instance_ids)


def test_other_look_other_picture_but_same_masks():
    rendering = stored(box_on_floor(camera()))
    looks = [random_look(1, 8, np.random.default_rng(seed)) for seed in (1, 2)]
    first, second = (repaint(rendering, look, TEXTURES, np.random.default_rng(0)) for look in looks)
    assert np.abs(first.rgb.astype(int) - second.rgb).mean() > 15
    assert first.class_ids is second.class_ids is rendering.class_ids


def test_all_steps_of_an_attempt_are_painted_and_the_outcome_stays():
    rendering = stored(box_on_floor(camera()))
    step = Step(rendering, POSE, POSE, POSE)
    attempt = Attempt((step, step), True, 0, 0.1, 0.02, False)
    look = random_look(1, 8, np.random.default_rng(1))

    painted = repaint_attempt(attempt, look, TEXTURES, np.random.default_rng(0))

    assert all((each.rendering.rgb > 0).any() for each in painted.steps)
    assert replace(painted, steps=()) == replace(attempt, steps=())
    assert painted.steps[1].pose == POSE


def test_picture_that_was_stored_without_depth_is_refused():
    rendering = replace(box_on_floor(camera()), depth_m=None)
    look = random_look(1, 8, np.random.default_rng(1))
    with pytest.raises(ValueError, match="with depth"):
        repaint(rendering, look, TEXTURES, np.random.default_rng(0))
