from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.algorithms.cross_entropy import NUM_ROUNDS, best_grasp
from tasks.grasping.algorithms.poses import draw_grasp, is_in_grasp_area
from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, GRASP_AREA_M, GRASP_HEIGHT_M


def scored_towards(goal, calls=None):
    """Highest at the goal; yaw counts modulo half a turn."""

    def score(poses):
        values = np.array([[pose.x_m, pose.y_m, pose.z_m] for pose in poses])
        away = values - [goal.x_m, goal.y_m, goal.z_m]
        turn = np.array([pose.yaw_rad - goal.yaw_rad for pose in poses])
        if calls is not None:
            calls.append(len(poses))
        return -np.sum((away / [0.1, 0.1, 0.02]) ** 2, axis=1) - np.sin(turn) ** 2

    return score


def distance_m(pose, goal):
    return np.hypot(pose.x_m - goal.x_m, pose.y_m - goal.y_m)


@pytest.mark.parametrize("yaw_rad", [0.4, -np.pi / 2, 1.56])
def test_the_peak_is_found(yaw_rad):
    goal = GripperPose(BIN_CENTRE_M[0] + 0.05, BIN_CENTRE_M[1] - 0.07, BIN_FLOOR_M + 0.02, yaw_rad)
    found = [
        best_grasp(scored_towards(goal), 64, np.random.default_rng(seed)) for seed in range(20)
    ]
    assert np.median([distance_m(pose, goal) for pose in found]) < 0.012
    turns = [abs(np.sin(pose.yaw_rad - goal.yaw_rad)) for pose in found]
    assert np.median(turns) < 0.15


def test_it_does_better_than_as_many_uniform_draws():
    goal = GripperPose(BIN_CENTRE_M[0] - 0.06, BIN_CENTRE_M[1] + 0.03, BIN_FLOOR_M + 0.015, 0.9)
    score = scored_towards(goal)
    searched, drawn = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        searched.append(score([best_grasp(score, 64, rng)])[0])
        drawn.append(score([draw_grasp(rng) for _ in range(64 * NUM_ROUNDS)]).max())
    assert np.mean(searched) > 0.5 * np.mean(drawn)  # both are negative: less than half as far
    assert np.median(searched) > np.median(drawn)


def test_each_round_scores_as_many_as_asked():
    calls = []
    goal = GripperPose(*BIN_CENTRE_M, BIN_FLOOR_M + 0.02, 0.0)
    best_grasp(scored_towards(goal, calls), 10, np.random.default_rng(0))
    assert calls == [10] * NUM_ROUNDS


def test_a_peak_outside_gives_a_grasp_at_the_edge():
    goal = GripperPose(BIN_CENTRE_M[0] + 0.5, BIN_CENTRE_M[1], BIN_FLOOR_M + 0.2, 0.0)
    pose = best_grasp(scored_towards(goal), 64, np.random.default_rng(3))
    assert is_in_grasp_area(pose.x_m, pose.y_m)
    assert pose.x_m > BIN_CENTRE_M[0] + 0.9 * GRASP_AREA_M[0] / 2
    height_m = pose.z_m - BIN_FLOOR_M
    assert GRASP_HEIGHT_M[0] - 1e-9 <= height_m <= GRASP_HEIGHT_M[1] + 1e-9


def test_a_flat_score_still_gives_a_grasp():
    found = [
        best_grasp(lambda poses: np.zeros(len(poses)), 8, np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert np.std([pose.x_m for pose in found]) > 0.2 * GRASP_AREA_M[0]
