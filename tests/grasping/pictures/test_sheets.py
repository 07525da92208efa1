"""Pictures of a data set, from shards of drawn attempts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.compute.serial import SerialExecutor
from tasks.grasping.data.png import decode_rgb
from tasks.grasping.pictures import sheets as pictures
from tasks.grasping.pictures.sheets import (
    card_pictures,
    pairs_sheet,
    read_attempts,
    scenes_sheet,
    strips,
    worlds_sheet,
)
from tasks.grasping.readers.statistics import success_counts, success_table
from tasks.report.sheet import BAD, GOOD
from tests.support.grasping.grasp_rows import write_shards


@pytest.fixture
def attempts(tmp_path: Path) -> list[dict[str, Any]]:
    return read_attempts(write_shards(tmp_path, scenes_per_shard=5, num_steps=3))


def test_card_gets_its_pictures(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, num_steps=1)
    success = success_table(SerialExecutor().compute(success_counts(shards)))
    found = card_pictures(shards, success)
    names = ("pairs", "scenes", "outcomes", "places", "success")
    assert [each.name for each in found] == [f"pictures/{name}.png" for name in names]
    for each in found:
        assert each.title
        picture = decode_rgb(each.data)
        assert min(picture.shape[:2]) > 150
        assert picture.std() > 10


def holds(sheet: np.ndarray, png: bytes, tile_px: int) -> bool:
    """Whether a sheet shows a picture, enlarged as its tiles are."""
    from tasks.report.sheet import Tile, enlarged

    tile = enlarged(Tile(decode_rgb(png)), tile_px)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, tile[:1, :8].shape)[:, :, 0]
    places = np.argwhere((windows == tile[:1, :8]).all((2, 3, 4)))
    cut = (sheet[y : y + tile_px, x : x + tile_px] for y, x in places)
    return any(part.shape == tile.shape and (part == tile).all() for part in cut)


def test_pairs_show_both_pictures_of_an_attempt(attempts: list[dict[str, Any]]) -> None:
    sheet = pairs_sheet(attempts, count=2)
    shown = pictures._in_turn(attempts, 2)
    for attempt in shown:
        assert holds(sheet, attempt["image_before"], 176)
        assert holds(sheet, attempt["steps"][-1]["image"], 176)
    assert not holds(sheet, attempts[-1]["image_before"], 176)


def test_chosen_attempts_are_of_different_scenes_and_outcomes(
    attempts: list[dict[str, Any]],
) -> None:
    chosen = pictures._in_turn(attempts, 6)
    assert len({each["scene_id"] for each in chosen}) == 6
    assert [each["is_success"] for each in chosen] == [True, False] * 3
    failures = [each for each in attempts if not each["is_success"]]
    assert len(pictures._in_turn(failures, 6)) == 6
    assert len(pictures._in_turn(attempts, 99)) == 10
    assert pictures._in_turn([], 3) == []


def test_every_scene_is_shown_once(attempts: list[dict[str, Any]]) -> None:
    sheet = scenes_sheet(attempts)
    for attempt in attempts[::4]:
        assert holds(sheet, attempt["image_before"], 132)
    assert scenes_sheet(attempts, count=3).shape[0] < sheet.shape[0]


def test_strips_show_every_decision_of_both_outcomes(attempts: list[dict[str, Any]]) -> None:
    sheet = strips(attempts, count=1)
    for is_success, colour in ((True, GOOD), (False, BAD)):
        first = next(each for each in attempts if each["is_success"] is is_success)
        assert all(holds(sheet, step["image"], 176) for step in first["steps"])
        assert (sheet == colour).all(-1).any()
    only = [each for each in attempts if not each["is_success"]]
    assert not (strips(only) == GOOD).all(-1).any()


def test_worlds_stand_below_each_other(attempts: list[dict[str, Any]]) -> None:
    one = worlds_sheet({"bullet": attempts}, count=2)
    two = worlds_sheet({"bullet": attempts, "surrogate": attempts[20:]}, count=2)
    assert two.shape[0] - one.shape[0] == 132 + 8
    assert holds(two, attempts[20]["image_before"], 132)
    assert holds(two, attempts[0]["steps"][0]["image"], 132)
