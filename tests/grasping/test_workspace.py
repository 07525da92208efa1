"""What the shared lengths and forces must be to each other, for all that relies on them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from tasks.grasping.algorithms.dynamics import FINGER_FRICTION, FRICTION
from tasks.grasping.algorithms.scenes import DROP_AREA_M
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.data.png import decode_ids, encode_ids
from tasks.grasping.data.sums import RANGES
from tasks.grasping.objects.everyday import MASS_LIMITS_KG
from tasks.grasping.workspace import (
    BIN_INNER_M,
    GRASP_AREA_M,
    GRASP_HEIGHT_M,
    GRIP_FORCE_N,
    HOVER_HEIGHT_M,
    LIFT_HEIGHT_M,
    MAX_OBJECTS,
    OPENING_SLACK_M,
    SUCCESS_HEIGHT_M,
)


@pytest.fixture(scope="module")
def openings_m() -> tuple[float, float]:
    """The least and the greatest distance of open finger tips that may be asked for."""
    bounds = TypeAdapter(PhysicsConfig).json_schema()["properties"]["opening_m"]
    return bounds["minimum"], bounds["maximum"]


def test_an_open_gripper_finds_room_between_the_walls_at_every_grasp(openings_m) -> None:
    """However it is turned; and what is let go falls beside no wall."""
    for inner_m, grasps_m, drops_m in zip(BIN_INNER_M, GRASP_AREA_M, DROP_AREA_M, strict=True):
        assert grasps_m + openings_m[1] < inner_m
        assert drops_m <= grasps_m


def test_an_attempt_begins_above_all_grasps_and_these_are_above_the_floor() -> None:
    assert 0 < GRASP_HEIGHT_M[0] < GRASP_HEIGHT_M[1] < HOVER_HEIGHT_M[0] < HOVER_HEIGHT_M[1]


def test_what_is_held_rises_far_enough_to_count_even_if_it_slips() -> None:
    assert 0 < SUCCESS_HEIGHT_M < 0.8 * LIFT_HEIGHT_M


def test_fingers_hold_the_heaviest_of_the_everyday_things_by_friction() -> None:
    held_n = 2 * GRIP_FORCE_N * FRICTION * FINGER_FRICTION
    assert held_n > 2 * 9.81 * MASS_LIMITS_KG[1], "twice, since it is jerked upwards too"


def test_end_stops_give_less_than_would_hide_a_wide_gap(openings_m) -> None:
    assert 0 < OPENING_SLACK_M < openings_m[0] / 4


def test_a_mask_can_tell_all_objects_of_a_scene_apart() -> None:
    ids = np.arange(MAX_OBJECTS + 1).reshape(1, -1)
    assert len(np.unique(decode_ids(encode_ids(ids.astype(np.uint8))))) == MAX_OBJECTS + 1


def test_histograms_show_what_may_come_of_an_attempt(openings_m) -> None:
    assert RANGES["lift_height_m"][0] < 0 < LIFT_HEIGHT_M < RANGES["lift_height_m"][1]
    assert openings_m[1] + OPENING_SLACK_M < RANGES["finger_gap_m"][1]
    assert GRASP_HEIGHT_M[1] < RANGES["closing_height_m"][1]
