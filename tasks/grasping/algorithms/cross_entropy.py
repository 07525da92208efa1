"""The cross-entropy method over grasps.

After S. Levine, P. Pastor, A. Krizhevsky, J. Ibarz, D. Quillen, "Learning Hand-Eye Coordination
for Robotic Grasping with Deep Learning and Large-Scale Data Collection", IJRR 2018, the section
on continuous servoing: score 64 motions, fit a Gaussian to the best 6, draw again, three rounds
in all, take the best. Deviations: the first round is uniform over the box in which grasps are
tried; the Gaussian has no covariances, as six elites say nothing of them, and a least spread;
yaw is averaged on the circle of half turns; the elites stay in the running.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from tasks.grasping.algorithms.poses import draw_grasp, kept_inside
from tasks.grasping.types import FloatArray, GripperPose
from tasks.grasping.workspace import BIN_FLOOR_M, GRASP_HEIGHT_M

NUM_ROUNDS: Final = 3
ELITE_SHARE: Final = 6 / 64
_LEAST_SPREAD: Final = np.array([0.003, 0.003, 0.002, 0.05])  # metres and radians

Score = Callable[[list[GripperPose]], FloatArray]


def best_grasp(score: Score, num_candidates: int, rng: np.random.Generator) -> GripperPose:
    """Search the grasp that scores highest.

    Args:
        score: Scores of grasps, (n,); higher is better.
        num_candidates: Grasps to score in each round.
        rng: Draws the candidates.

    Returns:
        The best grasp of all rounds, inside the box in which grasps are tried.
    """
    num_elites = max(2, round(ELITE_SHARE * num_candidates))
    poses = [draw_grasp(rng) for _ in range(num_candidates)]
    elites, scores = _best(poses, score(poses), num_elites)
    for _ in range(NUM_ROUNDS - 1):
        poses = _draw_like(elites, num_candidates, rng)
        elites, scores = _best(elites + poses, np.concatenate([scores, score(poses)]), num_elites)
    return elites[0]


def _best(
    poses: list[GripperPose], scores: FloatArray, count: int
) -> tuple[list[GripperPose], FloatArray]:
    order = np.argsort(-scores, kind="stable")[:count]
    return [poses[index] for index in order], scores[order]


def _draw_like(
    elites: list[GripperPose], count: int, rng: np.random.Generator
) -> list[GripperPose]:
    """Draw from the Gaussian that fits the elites."""
    values = np.array([[pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad] for pose in elites])
    doubled = np.exp(2j * values[:, 3]).mean()
    middle_yaw = np.angle(doubled) / 2
    values[:, 3] = middle_yaw + np.angle(np.exp(2j * (values[:, 3] - middle_yaw))) / 2
    spread = np.maximum(values.std(axis=0), _LEAST_SPREAD)
    drawn = rng.normal(values.mean(axis=0), spread, (count, 4))
    drawn[:, 2] = np.minimum(drawn[:, 2], BIN_FLOOR_M + GRASP_HEIGHT_M[1])
    return [kept_inside(*map(float, row)) for row in drawn]
