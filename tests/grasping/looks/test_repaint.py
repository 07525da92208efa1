from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.algorithms.appearance import random_look, surrogate_look
from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.algorithms.structured import random_structured_look, structured_look
from tasks.grasping.data.png import decode_depth, encode_depth
from tasks.grasping.looks.repaint import repaint, repaint_attempt
from tasks.grasping.looks.sensor import develop, noise_rng
from tasks.grasping.looks.structured import structured_textures
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.types import Attempt, GripperPose, Rendering, Scene, Step
from tests.support.grasping.flat_scenes import box_on_floor, camera

TEXTURES = generated_textures(np.random.default_rng(0), 8)
STRUCTURED = structured_textures()
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


GOLDEN = {
    "surrogate": [[64, 70, 70, 65], [71, 81, 80, 71], [71, 77, 78, 70], [65, 70, 70, 64]],
    "random": [[53, 58, 58, 53], [58, 66, 66, 58], [58, 60, 64, 58], [53, 58, 58, 53]],
    "structured": [
        [119, 124, 125, 118], [123, 141, 135, 125], [127, 138, 136, 128], [115, 126, 128, 117],
    ],
    "random structured": [
        [77, 82, 83, 75], [83, 90, 91, 82], [81, 87, 96, 83], [76, 83, 83, 76],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_looks_stay_what_they_were(name: str):
    """Means of 16 by 16 pixels, of the version that the look came with: it is a target's."""
    structured, rng = STRUCTURED, np.random.default_rng(4)
    look, textures = {
        "surrogate": lambda: (surrogate_look(1, ["procedural/0001"], 8, rng), TEXTURES),
        "random": lambda: (random_look(1, 8, rng), TEXTURES),
        "structured": lambda: (
            structured_look(1, ["procedural/0001"], structured.num, rng),
            structured,
        ),
        "random structured": lambda: (random_structured_look(1, structured.num, rng), structured),
    }[name]()
    rgb = repaint(box_on_floor(camera()), look, textures, np.random.default_rng(5)).rgb
    means = rgb.reshape(4, 16, 4, 16, 3).mean((1, 3, 4))
    np.testing.assert_allclose(means, GOLDEN[name], atol=1)


def test_picture_that_was_stored_without_depth_is_refused():
    rendering = replace(box_on_floor(camera()), depth_m=None)
    look = random_look(1, 8, np.random.default_rng(1))
    with pytest.raises(ValueError, match="with depth"):
        repaint(rendering, look, TEXTURES, np.random.default_rng(0))
