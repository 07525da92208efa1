from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.algorithms.controllers import GuidedServo, NoisyServo, OneShotController
from tasks.grasping.algorithms.poses import draw_grasp, draw_hover, is_in_grasp_area, wrapped_yaw
from tasks.grasping.types import Camera, GripperPose
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tests.support.grasping.toy_world import ToyWorld, toy_scene

GRASP = GripperPose(0.62, -0.04, BIN_FLOOR_M + 0.02, 0.3)
START = GripperPose(0.55, 0.08, BIN_FLOOR_M + 0.24, -1.2)
CAMERA = Camera(8, 8, 10.0, 10.0, 3.5, 3.5, np.eye(4))


@pytest.fixture
def opened():
    return ToyWorld().open(toy_scene("one", np.random.default_rng(4)))


def test_one_shot_goes_straight_to_the_grasp(opened):
    attempt = opened.attempt(OneShotController(START, GRASP))
    assert len(attempt.steps) == 1
    assert attempt.steps[0].pose == START
    assert attempt.steps[0].target == GRASP


@pytest.mark.parametrize("num_steps", [1, 2, 5])
def test_a_noisy_servo_ends_at_the_grasp(opened, num_steps):
    servo = NoisyServo.drawn(START, GRASP, num_steps, np.random.default_rng(0))
    attempt = opened.attempt(servo)
    assert len(attempt.steps) == num_steps
    assert attempt.steps[-1].target == GRASP
    assert all(is_in_grasp_area(step.target.x_m, step.target.y_m) for step in attempt.steps)


def test_a_noisy_servo_misses_the_way_but_comes_nearer(opened):
    heights, misses = [], []
    for seed in range(200):
        servo = NoisyServo.drawn(START, GRASP, 4, np.random.default_rng(seed))
        steps = opened.attempt(servo).steps
        heights.append([step.target.z_m for step in steps])
        halfway = (START.y_m + GRASP.y_m) / 2
        misses.append(steps[1].target.y_m - halfway)
    heights_m = np.mean(heights, axis=0)
    assert (np.diff(heights_m) < -0.02).all()
    np.testing.assert_allclose(heights_m[0], START.z_m - 0.055, atol=0.005)
    assert abs(np.mean(misses)) < 0.006
    # Two errors of 2 cm, of the first of which a third is corrected.
    assert 0.018 < np.std(misses) < 0.03


def test_the_noise_is_drawn_beforehand():
    one, other = (NoisyServo.drawn(START, GRASP, 4, np.random.default_rng(7)) for _ in range(2))
    assert one.next_pose(0, START, None) == other.next_pose(0, START, None)
    assert one.next_pose(0, START, None) == one.next_pose(0, START, None)


class Oracle:
    """Expects success where the motion ends near one point; notes what it was shown."""

    def __init__(self, goal):
        self.goal = goal
        self.pose = START
        self.seen = []

    def __call__(self, before, now, motions, pose, camera):
        assert pose == self.pose
        assert camera is CAMERA
        self.seen.append((before, now))
        assert motions.dtype == np.float32
        ends = motions[:, :3] + [self.pose.x_m, self.pose.y_m, self.pose.z_m]
        turn = np.arctan2(motions[:, 3], motions[:, 4]) / 2 + self.pose.yaw_rad - self.goal.yaw_rad
        away = (ends - [self.goal.x_m, self.goal.y_m, self.goal.z_m]) / [0.05, 0.05, 0.02]
        return np.exp(-np.sum(away**2, axis=1) - np.sin(turn) ** 2)


@pytest.mark.parametrize("num_steps", [1, 3])
def test_a_guided_servo_closes_where_the_model_expects_success(opened, num_steps):
    oracle = Oracle(GRASP)
    before = opened.look().rgb
    servo = GuidedServo(START, num_steps, before, CAMERA, oracle, 64, np.random.default_rng(1))
    pose = START
    shown = []
    for step in range(num_steps):
        seen = opened._draw(pose)
        oracle.pose = pose
        shown.append(seen.rgb)
        pose = servo.next_pose(step, pose, seen)
    assert np.hypot(pose.x_m - GRASP.x_m, pose.y_m - GRASP.y_m) < 0.02
    assert abs(pose.z_m - GRASP.z_m) < 0.015
    assert abs(wrapped_yaw(pose.yaw_rad - GRASP.yaw_rad)) < 0.4
    assert all(given is before for given, _ in oracle.seen)
    assert {id(now) for _, now in oracle.seen} == {id(each) for each in shown}


def test_a_guided_servo_goes_part_of_the_way_at_first(opened):
    oracle = Oracle(GRASP)
    servo = GuidedServo(START, 4, opened.look().rgb, CAMERA, oracle, 64, np.random.default_rng(2))
    first = servo.next_pose(0, START, opened.look())
    np.testing.assert_allclose(first.z_m, START.z_m - (START.z_m - GRASP.z_m) / 4, atol=0.008)


def test_a_model_finds_more_than_chance(opened):
    """The toy world's success is known, so that a perfect model succeeds nearly always."""
    objects = np.array([each.position_m[:2] for each in opened.objects])
    nearest = objects[np.argmin(np.linalg.norm(objects - BIN_CENTRE_M, axis=1))]
    goal = GripperPose(float(nearest[0]), float(nearest[1]), BIN_FLOOR_M + 0.02, 0.0)
    guided, chance = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        oracle = Oracle(goal)
        oracle.pose = start = draw_hover(rng)
        servo = GuidedServo(start, 1, opened.look().rgb, CAMERA, oracle, 64, rng)
        guided.append(opened.attempt(servo).is_success)
        chance.append(opened.attempt(OneShotController(start, draw_grasp(rng))).is_success)
    assert sum(guided) >= 18
    assert sum(chance) <= 10
