"""Poses alone: commands that tell nothing, and motions that were stopped by what they met."""

from __future__ import annotations

import pytest

from tasks.grasping.data.schema import SCHEMA
from tasks.grasping.readers import pose_only
from tasks.grasping.readers.pose_only import POSE_COLUMNS, pose_only_auc
from tests.support.grasping.pose_rows import pose_rows


def test_what_was_reached_gives_the_outcome_away_and_what_was_commanded_does_not() -> None:
    found = pose_only_auc(pose_rows(60))
    command, motion = found["command"], found["motion"]
    assert command.low < 0.5 < command.high
    assert motion.low > 0.6
    assert command.num == motion.num == 480
    assert pose_only_auc(pose_rows(60)) == found


def test_large_data_are_thinned_by_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_only, "_MAX_ATTEMPTS", 100)
    assert pose_only_auc(pose_rows(30))["motion"].num == 10 * 8


@pytest.mark.parametrize(("num_scenes", "success"), [(4, 0.4), (30, 0.0), (30, 1.0)])
def test_too_little_tells_nothing(num_scenes: int, success: float) -> None:
    assert pose_only_auc(pose_rows(num_scenes, success)) == {}


def test_its_columns_are_the_pose_rows() -> None:
    fields = {each.name for each in SCHEMA.field("steps").type.value_type}
    for name in POSE_COLUMNS:
        column, _, part = name.partition(".list.element.")
        assert column in SCHEMA.names
        assert not part or part in fields
