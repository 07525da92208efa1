"""Pictures of a data set, made from its shards: what people look at before they trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.schema import SCHEMA, read_shard
from tasks.grasping.manifests import GroupSuccess
from tasks.grasping.pictures.masks import class_colours, class_legend, instance_colours
from tasks.grasping.pictures.plots import attempts_map, success_plot
from tasks.grasping.types import ByteImage
from tasks.report.page import Picture
from tasks.report.picture import encode
from tasks.report.sheet import BAD, GOOD, Row, Tile, in_rows, sheet

_NUM_PAIRS = 6
_NUM_SCENES = 24
_SCENES_PER_ROW = 8
_NUM_STRIPS = 2  # of each outcome
_LARGE_PX, _SMALL_PX = 176, 132

Attempts = Sequence[Mapping[str, Any]]
"""Rows as ``pyarrow.Table.to_pylist`` gives them."""

_COLUMNS: Final = [
    name for name in SCHEMA.names if not name.startswith(("depth", "parts", "shading"))
]


def card_pictures(shards: Sequence[Path], success: Sequence[GroupSuccess]) -> list[Picture]:
    """Pictures of the data card.

    Args:
        shards: Some of the data set's shards.
        success: How often grasps succeed, of all shards.
    """
    attempts = read_attempts(shards)
    return [
        _picture("pairs", "Attempts without and with the arm, and masks", pairs_sheet(attempts)),
        _picture("scenes", "Scenes as the camera sees them", scenes_sheet(attempts)),
        _picture("outcomes", "Attempts that succeeded and that failed", strips(attempts)),
        _picture("places", "Where grasps were tried", attempts_map(attempts)),
        _picture("success", "How often grasps succeed, 95 % intervals", success_plot(success)),
    ]


def _picture(name: str, title: str, picture: ByteImage | bytes) -> Picture:
    path = f"pictures/{name}.png"
    return Picture(path, title, encode(picture, path))


def read_attempts(shards: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of some shards, without what their depth and shading would take."""
    return [row for path in shards for row in read_shard(path, _COLUMNS).to_pylist()]


def pairs_sheet(attempts: Attempts, count: int = _NUM_PAIRS) -> ByteImage:
    """Attempts of different scenes: without and with the arm, and the masks of both.

    Args:
        attempts: Rows.
        count: How many are shown; successes and failures in turn.
    """
    rows = [_pair(attempt) for attempt in _in_turn(attempts, count)]
    return sheet(
        rows,
        "Attempts without and with the arm",
        "Pictures as stored. Classes and objects are the semantic maps of the picture beside them.",
        heads=("without arm", "classes", "objects", "with arm", "classes", "objects"),
        legend=class_legend(),
        tile_px=_LARGE_PX,
    )


def scenes_sheet(
    attempts: Attempts, count: int = _NUM_SCENES, title: str = "Scenes without the arm"
) -> ByteImage:
    """One picture of each scene; with randomised appearance no two look alike."""
    tiles = [
        Tile(decode_rgb(each["image_before"]), each["scene_id"])
        for each in islice(_scenes(attempts), count)
    ]
    note = f"{len(tiles)} scenes of {attempts[0]['world']}, one picture each."
    return sheet(in_rows(tiles, _SCENES_PER_ROW), title, note, tile_px=_SMALL_PX)


def worlds_sheet(worlds: Mapping[str, Attempts], count: int = 4) -> ByteImage:
    """Worlds below each other: their scenes, and attempts with the arm.

    Args:
        worlds: Rows by the name under which they are shown.
        count: Scenes of each world.
    """
    rows = []
    for name, attempts in worlds.items():
        shown = list(islice(_scenes(attempts), count))
        tiles = [Tile(decode_rgb(each["image_before"])) for each in shown]
        tiles += [Tile(decode_rgb(each["steps"][0]["image"])) for each in shown]
        rows.append(Row(tuple(tiles), name))
    heads = ("without arm", *[""] * (count - 1), "with arm", *[""] * (count - 1))
    return sheet(rows, "The worlds side by side", heads=heads, tile_px=_SMALL_PX)


def strips(attempts: Attempts, count: int = _NUM_STRIPS) -> ByteImage:
    """Filmstrips of attempts that succeeded and that failed: a picture for each decision.

    Args:
        attempts: Rows.
        count: How many of each outcome.
    """
    rows = []
    for is_success in (True, False):
        chosen = [each for each in attempts if each["is_success"] is is_success]
        rows += [_strip(each) for each in islice(_scenes(chosen), count)]
    num_columns = max(len(row.tiles) for row in rows)
    decisions = [f"decision {index}" for index in range(1, num_columns)]
    return sheet(
        rows,
        "Attempts, decision by decision",
        "Below: what the gripper is told next, relative to where it stands. The fingers close "
        "after the last.",
        heads=("without arm", *decisions),
        tile_px=_LARGE_PX,
    )


def _pair(attempt: Mapping[str, Any]) -> Row:
    step = attempt["steps"][-1]
    tiles = [
        tile
        for values, ending in ((attempt, "_before"), (step, ""))
        for tile in (
            Tile(decode_rgb(values[f"image{ending}"])),
            Tile(class_colours(decode_ids(values[f"class_mask{ending}"])), is_mask=True),
            Tile(instance_colours(decode_ids(values[f"instance_mask{ending}"])), is_mask=True),
        )
    ]
    return Row(tuple(tiles), *_outcome(attempt))


def _strip(attempt: Mapping[str, Any]) -> Row:
    tiles = [Tile(decode_rgb(attempt["image_before"]))]
    for step in attempt["steps"]:
        dx, dy, dz = (
            (b - a) * 100 for a, b in zip(step["pose"][:3], step["target"][:3], strict=True)
        )
        caption = f"x {dx:+.1f}  y {dy:+.1f}  z {dz:+.1f} cm"
        tiles.append(Tile(decode_rgb(step["image"]), caption))
    return Row(tuple(tiles), *_outcome(attempt))


def _outcome(attempt: Mapping[str, Any]) -> tuple[str, tuple[int, int, int]]:
    """Label of an attempt and its colour."""
    if not attempt["is_success"]:
        return f"failure\n{attempt['policy']}", BAD
    return f"success\n{attempt['policy']}\n{attempt['lifted_object']}", GOOD


def _scenes(attempts: Attempts) -> Iterator[Mapping[str, Any]]:
    """The first attempt of each scene."""
    seen: set[str] = set()
    for attempt in attempts:
        if attempt["scene_id"] not in seen:
            seen.add(attempt["scene_id"])
            yield attempt


def _in_turn(attempts: Attempts, count: int) -> list[Mapping[str, Any]]:
    """Attempts of scenes of their own, successes and failures in turn while there are both."""
    found: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    wanted = True
    while len(found) < count:
        rest = [each for each in attempts if each["scene_id"] not in seen]
        fitting = [each for each in rest if each["is_success"] is wanted] or rest
        if not fitting:
            break
        found.append(fitting[0])
        seen.add(fitting[0]["scene_id"])
        wanted = not wanted
    return found
