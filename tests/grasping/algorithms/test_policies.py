from __future__ import annotations

import numpy as np
import pytest

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.params import parse_config
from tasks.grasping.algorithms.controllers import GuidedServo, NoisyServo, OneShotController
from tasks.grasping.algorithms.policies import Mixture, draw_controller
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import Camera, ObjectState
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M, GRASP_AREA_M

ONE_SHOT = PhysicsConfig()
CLOSED_LOOP = PhysicsConfig(servo="closed_loop", num_servo_steps=3)
NEAR = Mixture(uniform=0.0, near_object=1.0, spread_m=0.01)
PICTURE = np.zeros((8, 8, 3), np.uint8)
SEEN = {"before": PICTURE, "camera": Camera(8, 8, 10.0, 10.0, 3.5, 3.5, np.eye(4))}


def lying_at(x_m, y_m, *, is_in_bin=True):
    link_m, centre_m = (x_m + 0.1, y_m, BIN_FLOOR_M), (x_m, y_m, BIN_FLOOR_M + 0.02)
    return ObjectState(link_m, (0.0, 0.0, 0.0, 1.0), centre_m, is_in_bin)


OBJECTS = (lying_at(0.55, 0.05), lying_at(0.65, -0.05))


def draws(mixture, objects, num=400, physics=ONE_SHOT, **options):
    return [
        draw_controller(mixture, physics, objects, np.random.default_rng(seed), **options)
        for seed in range(num)
    ]


def test_the_parts_are_as_large_as_asked():
    mixture = Mixture(uniform=0.3, near_object=0.5, model=0.2)
    model = lambda before, now, motions, *known: np.zeros(len(motions))  # noqa: E731
    names = [name for _, name in draws(mixture, OBJECTS, 3000, model=model, **SEEN)]
    for name, part in (("uniform", 0.3), ("near_object", 0.5), ("model", 0.2)):
        assert abs(names.count(name) / 3000 - part) < 4 * np.sqrt(part * (1 - part) / 3000)


def test_near_an_object_is_a_gaussian_about_each():
    places = np.array([[c.grasp.x_m, c.grasp.y_m] for c, _ in draws(NEAR, OBJECTS, 2000)])
    centres = np.array([each.centre_m[:2] for each in OBJECTS])
    away = places[:, None] - centres
    nearest = np.linalg.norm(away, axis=2).argmin(axis=1)
    assert abs(nearest.mean() - 0.5) < 0.06
    off = away[np.arange(len(places)), nearest]
    np.testing.assert_allclose(off.std(axis=0), 0.01, rtol=0.08)
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.001)


def test_a_uniform_grasp_knows_nothing_of_objects():
    one = draws(Mixture(), OBJECTS, 50)
    other = draws(Mixture(), (), 50)
    assert [c.grasp for c, _ in one] == [c.grasp for c, _ in other]
    places = np.array([[c.grasp.x_m, c.grasp.y_m] for c, _ in draws(Mixture(), OBJECTS, 2000)])
    np.testing.assert_allclose(places.std(axis=0), np.array(GRASP_AREA_M) / np.sqrt(12), rtol=0.05)


def test_objects_out_of_reach_are_left_alone():
    corner_m = np.array(BIN_CENTRE_M) + np.array(BIN_INNER_M) / 2 - 0.005
    out = lying_at(*BIN_CENTRE_M, is_in_bin=False)
    near = {
        (name, round(c.grasp.x_m, 2) > 0.7)
        for c, name in draws(NEAR, (*OBJECTS, lying_at(*corner_m), out), 300)
    }
    assert near == {("near_object", False)}


@pytest.mark.parametrize("objects", [(), (lying_at(*BIN_CENTRE_M, is_in_bin=False),)])
def test_without_an_object_a_grasp_is_uniform_and_named_so(objects):
    found = draws(NEAR, objects, 200)
    assert {name for _, name in found} == {"uniform"}
    assert np.std([c.grasp.x_m for c, _ in found]) > 0.2 * GRASP_AREA_M[0]


def test_the_servo_decides_the_kind_of_controller():
    (one, _), (several, _) = draws(NEAR, OBJECTS, 1) + draws(NEAR, OBJECTS, 1, CLOSED_LOOP)
    assert isinstance(one, OneShotController)
    assert isinstance(several, NoisyServo)
    assert several.num_steps == 3
    assert one.start == several.start
    assert one.grasp == several.grasp, "where grasps are tried is the same"


def test_the_same_generator_gives_the_same_attempt():
    for physics in (ONE_SHOT, CLOSED_LOOP):
        one, other = (draws(NEAR, OBJECTS, 5, physics) for _ in range(2))
        assert [(c.start, c.grasp) for c, _ in one] == [(c.start, c.grasp) for c, _ in other]


def test_a_model_is_asked_with_the_picture_without_the_arm():
    model = lambda before, now, motions, *known: np.zeros(len(motions))  # noqa: E731
    mixture = Mixture(uniform=0.0, model=1.0, model_candidates=16)
    ((controller, name),) = draws(mixture, OBJECTS, 1, CLOSED_LOOP, model=model, **SEEN)
    assert name == "model"
    assert isinstance(controller, GuidedServo)
    assert controller.before is PICTURE
    assert controller.num_steps == 3
    assert controller.num_candidates == 16


def test_a_part_for_a_model_that_is_missing_is_an_error():
    with pytest.raises(ConfigError, match=r"policy\.model"):
        draws(Mixture(uniform=0.0, model=1.0), OBJECTS, 1)


def test_a_mixture_goes_through_json():
    mixture = Mixture(uniform=0.4, near_object=0.6, spread_m=0.02)
    assert parse_config(Mixture, config_json(mixture)) == mixture


def test_parts_that_do_not_add_up_are_refused():
    with pytest.raises(ConfigError, match="add up to 1"):
        parse_config(Mixture, {"uniform": 0.4, "near_object": 0.4})
