from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.grasping.algorithms.poses import (
    draw_grasp,
    draw_hover,
    is_in_grasp_area,
    kept_inside,
    part_of_the_way,
    wrapped_yaw,
)
from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import (
    BIN_CENTRE_M,
    BIN_FLOOR_M,
    GRASP_AREA_M,
    GRASP_HEIGHT_M,
    HOVER_HEIGHT_M,
)

ANGLES = st.floats(-20, 20)
METRES = st.floats(-3, 3)


def values(poses):
    return np.array([[pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad] for pose in poses])


def test_grasps_fill_the_box_evenly():
    rng = np.random.default_rng(0)
    drawn = values([draw_grasp(rng) for _ in range(4000)])
    half = np.array(GRASP_AREA_M) / 2
    low = np.array([*(np.array(BIN_CENTRE_M) - half), BIN_FLOOR_M + GRASP_HEIGHT_M[0], -np.pi / 2])
    high = np.array([*(np.array(BIN_CENTRE_M) + half), BIN_FLOOR_M + GRASP_HEIGHT_M[1], np.pi / 2])
    unit = (drawn - low) / (high - low)
    assert unit.min() >= 0
    assert unit.max() <= 1
    for column in unit.T:
        counts, _ = np.histogram(column, 10, (0, 1))
        assert abs(counts - 400).max() < 5 * np.sqrt(400)
    np.testing.assert_allclose(np.corrcoef(unit.T), np.eye(4), atol=0.06)


def test_hovers_are_above_all_grasps():
    rng = np.random.default_rng(1)
    heights_m = values([draw_hover(rng) for _ in range(500)])[:, 2] - BIN_FLOOR_M
    assert HOVER_HEIGHT_M[0] <= heights_m.min() < heights_m.max() <= HOVER_HEIGHT_M[1]
    assert np.ptp(heights_m) > 0.9 * (HOVER_HEIGHT_M[1] - HOVER_HEIGHT_M[0])


def test_a_draw_takes_four_numbers():
    one, other = np.random.default_rng(2), np.random.default_rng(2)
    draw_grasp(one)
    other.random(4)
    assert one.random() == other.random()


def test_the_area_ends_where_grasps_end():
    half_m = GRASP_AREA_M[0] / 2
    assert is_in_grasp_area(BIN_CENTRE_M[0] + half_m - 1e-6, BIN_CENTRE_M[1])
    assert not is_in_grasp_area(BIN_CENTRE_M[0] + half_m + 1e-6, BIN_CENTRE_M[1])
    assert not is_in_grasp_area(BIN_CENTRE_M[0], BIN_CENTRE_M[1] - GRASP_AREA_M[1] / 2 - 1e-6)


@given(ANGLES)
def test_a_wrapped_yaw_is_the_same_grasp(yaw_rad):
    wrapped = wrapped_yaw(yaw_rad)
    assert -np.pi / 2 <= wrapped < np.pi / 2
    np.testing.assert_allclose(np.exp(2j * wrapped), np.exp(2j * yaw_rad), atol=1e-9)


@given(METRES, METRES, METRES, ANGLES)
def test_what_is_kept_inside_stays_there(x_m, y_m, z_m, yaw_rad):
    kept = kept_inside(x_m, y_m, z_m, yaw_rad)
    assert is_in_grasp_area(kept.x_m, kept.y_m)
    assert GRASP_HEIGHT_M[0] <= kept.z_m - BIN_FLOOR_M + 1e-12
    assert kept.z_m - BIN_FLOOR_M <= HOVER_HEIGHT_M[1] + 1e-12
    assert kept_inside(kept.x_m, kept.y_m, kept.z_m, kept.yaw_rad) == kept


@given(ANGLES, ANGLES, st.floats(0, 1))
def test_the_way_turns_by_the_smaller_angle(start_rad, goal_rad, share):
    start = GripperPose(0.5, 0.1, 0.0, wrapped_yaw(start_rad))
    goal = GripperPose(0.7, -0.1, -0.15, wrapped_yaw(goal_rad))
    there = part_of_the_way(start, goal, share)
    np.testing.assert_allclose(
        values([there])[0, :3],
        (1 - share) * values([start])[0, :3] + share * values([goal])[0, :3],
        atol=1e-12,
    )
    whole = abs(wrapped_yaw(goal.yaw_rad - start.yaw_rad))
    assert whole <= np.pi / 2
    to_go = abs(wrapped_yaw(goal.yaw_rad - there.yaw_rad))
    np.testing.assert_allclose(to_go, (1 - share) * whole, atol=1e-9)
