from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.grasping.data import checks
from tasks.grasping.data.png import encode_ids, encode_rgb
from tasks.grasping.data.rows import scene_name
from tests.support.grasping.toy_rows import ORIGIN, toy_rows


@pytest.fixture
def row() -> dict[str, Any]:
    return toy_rows(num_steps=2).to_pylist()[0]


def kinds(findings: Any) -> list[str]:
    return [each.check for each in findings]


def test_sound_rows_pass_every_check() -> None:
    masks, pictures = checks.MaskCount(), checks.PictureCount()
    for index in range(20):
        scene = f"train-7-{index:07d}"
        rows = toy_rows(scene, num_steps=2, seed=index).to_pylist()
        ids = [row["attempt_id"] for row in rows]
        name = scene_name(scene, ORIGIN.recipe_digest)
        assert not kinds(checks.check_ids(ids, "bullet", {name: 4}))
        for each in rows:
            assert not kinds(checks.check_origin(each, {"root_seed": 7, "split": "train"}))
            assert not kinds(checks.check_outcome(each))
            assert not kinds(checks.check_gap(each, 0.08))
            assert not kinds(checks.check_places(each))
            assert not kinds(checks.check_motion(each))
            assert not kinds(checks.check_pictures("here", each["steps"][0], 8.0, pictures))
        assert not kinds(checks.check_masks(rows[0], masks))
    assert masks.num_objects == 60
    assert masks.num_visible > 50
    assert masks.offset_px / masks.num_visible < 1.0
    assert (pictures.num_pictures, pictures.num_dark) == (80, 0)


def test_attempts_that_are_missing_doubled_or_foreign_are_named() -> None:
    ids = ["w/a/0", "w/a/0", "w/b/0", "w/c/0"]
    found = {
        each.where: each.check for each in checks.check_ids(ids, "w", {"a": 2, "b": 2, "d": 0})
    }
    assert found == {
        "w/a/0": "duplicates",
        "w/a/1": "missing",
        "w/b/1": "missing",
        "w/c/0": "unexpected",
    }


@pytest.mark.parametrize("gap_m", [0.0821, 0.134, -0.001, float("nan")])
def test_fingers_wider_apart_than_they_open_are_found(row: dict[str, Any], gap_m: float) -> None:
    (found,) = checks.check_gap(row | {"finger_gap_m": gap_m}, 0.08)
    assert (found.check, found.where) == ("gap", row["attempt_id"])
    assert "expected 0 to 0.082 m" in found.problem
    assert not kinds(checks.check_gap(row | {"finger_gap_m": 0.0819}, 0.08))


@pytest.mark.parametrize("place_m", [(0.6, 0.0, -0.9), (0.95, 0.0, -0.19), (0.6, -0.4, -0.1)])
def test_objects_outside_of_the_bin_are_found(row: dict[str, Any], place_m: Any) -> None:
    others = row["object_centres_m"][1:]
    (found,) = checks.check_places(row | {"object_centres_m": [place_m, *others]})
    assert (found.check, found.where) == ("places", row["scene_id"])
    assert f"object {row['object_ids'][0]} lies outside of the bin" in found.problem
    leaning = (0.88, 0.28, -0.1)
    assert not kinds(checks.check_places(row | {"object_centres_m": [leaning, *others]}))


def test_rows_of_another_data_set_are_found(row: dict[str, Any]) -> None:
    (found,) = checks.check_origin(row, {"root_seed": 8, "split": "train"})
    assert "root_seed: expected 8, got 7" in found.problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"lifted_object": None},
        {"lifted_object": "procedural/9999"},
        {"is_success": False},
        {"lift_height_m": 0.01},
        {"is_uniform": True},
    ],
)
def test_outcomes_that_contradict_themselves_are_found(
    row: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert row["is_success"]
    assert kinds(checks.check_outcome(row | wrong)) == ["outcome"]


def test_a_motion_that_is_not_the_poses_is_found(row: dict[str, Any]) -> None:
    row["steps"][0]["motion"][1] += 1e-4
    assert kinds(checks.check_motion(row)) == ["motion"]
    row["steps"][1]["reached"][3] += 0.01
    assert kinds(checks.check_motion(row)) == ["motion", "motion"]
    row["steps"][1]["command"][2] += 1e-4
    assert kinds(checks.check_motion(row)) == ["motion"] * 3
    row["steps"][1]["target"][0] += 0.01
    found = [each.problem for each in checks.check_motion(row)]
    assert sum("expected the command" in each for each in found) == 2
    assert kinds(checks.check_motion(row | {"steps": []})) == ["motion"]


def test_black_pictures_and_broken_ones_are_found(row: dict[str, Any]) -> None:
    step = row["steps"][0]
    black = encode_rgb(np.full((48, 48, 3), 3, np.uint8))
    small = encode_ids(np.zeros((24, 48), np.uint8))
    wrong_class = encode_ids(np.full((48, 48), 9, np.uint8))
    count = checks.PictureCount()
    for change, expected in (
        ({"image": black}, "dark"),
        ({"image": b"none"}, "pictures"),
        ({"image": None}, "pictures"),
        ({"class_mask": small}, "pictures"),
        ({"class_mask": wrong_class}, "masks"),
        ({"instance_mask": encode_ids(np.ones((48, 48), np.uint8))}, "masks"),
    ):
        assert kinds(checks.check_pictures("here", step | change, 8.0, count)) == [expected]
    assert (count.num_pictures, count.num_dark) == (4, 1)


@pytest.mark.parametrize("fault", ["pose", "camera", "mirrored"])
def test_masks_off_their_poses_are_found(row: dict[str, Any], fault: str) -> None:
    if fault == "pose":
        row["object_centres_m"] = [[x, y + 0.15, z] for x, y, z in row["object_centres_m"]]
    elif fault == "camera":
        row["camera_from_base"][3] += 0.15
    else:
        row["object_centres_m"] = [[1.2 - x, -y, z] for x, y, z in row["object_centres_m"]]
    count = checks.MaskCount()
    found = list(checks.check_masks(row, count))
    assert found
    assert kinds(found) == ["poses"] * count.num_missed
    assert "px away (at most " in found[0].problem
