"""Whether the rows of a shard are what they claim to be.

Each check takes rows and yields what it finds; none stops at the first fault, so that a report
shows all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.projection import project
from tasks.grasping.data.rows import camera_of
from tasks.grasping.manifests import Finding
from tasks.grasping.types import (
    ByteImage,
    FloatArray,
    GripperPose,
    SemanticClass,
    motion_command,
)
from tasks.grasping.workspace import (
    BIN_CENTRE_M,
    BIN_FLOOR_M,
    BIN_INNER_M,
    OPENING_SLACK_M,
    SUCCESS_HEIGHT_M,
)

Row = Mapping[str, Any]

_MOTION_TOLERANCE = 1e-9
_LEAST_VISIBLE_PX = 4
_SLACK_PX = 2.0  # masks are as coarse as their pixels
_WALL_M = 0.1  # by which what leans on a wall may lie beyond the wall's foot
_SUNK_M, _PILE_M = 0.01, 0.3  # below the floor, and above it
_REACH_M = 0.05  # what is seen of a half hidden object may lie this far from its centre of mass


@dataclass
class MaskCount:
    """How the masks of objects agree with the objects' poses.

    Attributes:
        num_objects: Objects in the scenes.
        num_visible: Those that are seen.
        num_missed: Those that are seen off their projected position.
        offset_px: Sum over the visible of the distance from there to the nearest mask pixel.
    """

    num_objects: int = 0
    num_visible: int = 0
    num_missed: int = 0
    offset_px: float = 0.0


@dataclass
class PictureCount:
    """How bright pictures are.

    Attributes:
        num_pictures: Pictures looked at.
        num_dark: Those that count as black.
        brightness: Mean grey value of each.
    """

    num_pictures: int = 0
    num_dark: int = 0
    brightness: list[float] = field(default_factory=list)


def check_ids(
    found_ids: Sequence[str], world: str, num_attempts: Mapping[str, int]
) -> Iterator[Finding]:
    """Compare the attempts that are there with those that should be in each scene."""
    counts = Counter(found_ids)
    expected = {f"{world}/{scene}/{k}" for scene, num in num_attempts.items() for k in range(num)}
    for attempt_id, count in counts.items():
        if count > 1:
            yield Finding(check="duplicates", where=attempt_id, problem=f"stands {count} times")
    for attempt_id in sorted(expected - counts.keys()):
        yield Finding(check="missing", where=attempt_id, problem="expected one row, found none")
    for attempt_id in sorted(counts.keys() - expected):
        yield Finding(check="unexpected", where=attempt_id, problem="this shard should not hold it")


def check_origin(row: Row, expected: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare what all rows of a data set have in common."""
    for name, value in expected.items():
        if row[name] != value:
            problem = f"{name}: expected {value!r}, got {row[name]!r}"
            yield Finding(check="origin", where=row["attempt_id"], problem=problem)


def check_outcome(row: Row) -> Iterator[Finding]:
    """Look for outcomes that contradict themselves."""
    where, lifted = row["attempt_id"], row["lifted_object"]
    if row["is_success"] != (lifted is not None):
        problem = f"is_success is {row['is_success']}, but the lifted object is {lifted!r}"
        yield Finding(check="outcome", where=where, problem=problem)
    if lifted is not None and lifted not in row["object_ids"]:
        problem = f"the lifted object {lifted!r} is none of the scene's"
        yield Finding(check="outcome", where=where, problem=problem)
    if row["is_success"] and row["lift_height_m"] < SUCCESS_HEIGHT_M:
        problem = f"a success rises {SUCCESS_HEIGHT_M} m, this one {row['lift_height_m']:.3f} m"
        yield Finding(check="outcome", where=where, problem=problem)
    if row["is_uniform"] != (row["policy"] == "uniform"):
        problem = f"is_uniform is {row['is_uniform']}, but the policy is {row['policy']!r}"
        yield Finding(check="outcome", where=where, problem=problem)


def check_gap(row: Row, opening_m: float) -> Iterator[Finding]:
    """Look for fingers that are wider apart than their end stops allow."""
    most_m = opening_m + OPENING_SLACK_M
    if not 0 <= row["finger_gap_m"] <= most_m:
        problem = (
            f"the fingers are {row['finger_gap_m']:.4f} m apart; expected 0 to {most_m:.3f} m, as "
            f"they open to {opening_m} m"
        )
        yield Finding(check="gap", where=row["attempt_id"], problem=problem)


def check_places(row: Row) -> Iterator[Finding]:
    """Look for objects that lie outside of the bin before anything has touched them."""
    half_m = np.array(BIN_INNER_M) / 2 + _WALL_M
    low_m, high_m = BIN_FLOOR_M - _SUNK_M, BIN_FLOOR_M + _PILE_M
    for name, place_m in zip(row["object_ids"], row["object_centres_m"], strict=True):
        is_over_it = (np.abs(np.array(place_m[:2]) - BIN_CENTRE_M) <= half_m).all()
        if not (is_over_it and low_m <= place_m[2] <= high_m):
            problem = f"object {name} lies outside of the bin, at {np.round(place_m, 3).tolist()}"
            yield Finding(check="places", where=row["scene_id"], problem=problem)


def check_motion(row: Row) -> Iterator[Finding]:
    """Compare each step's command and motion with the closing pose minus the step's pose."""
    if not row["steps"]:
        yield Finding(check="motion", where=row["attempt_id"], problem="expected a step, found 0")
        return
    for name, end in (("command", "target"), ("motion", "reached")):
        closing = GripperPose(*row["steps"][-1][end])
        for index, step in enumerate(row["steps"]):
            expected = motion_command(GripperPose(*step["pose"]), closing)
            if not np.allclose(step[name], expected, rtol=0, atol=_MOTION_TOLERANCE):
                problem = (
                    f"step {index}: expected the {name} {np.round(expected, 4).tolist()} from the "
                    f"poses, got {np.round(step[name], 4).tolist()}"
                )
                yield Finding(check="motion", where=row["attempt_id"], problem=problem)


def check_pictures(
    where: str, pictures: Mapping[str, Any], least_brightness: float, count: PictureCount
) -> Iterator[Finding]:
    """Look at a picture and its masks.

    Args:
        where: Attempt or scene, and which picture.
        pictures: ``image``, ``class_mask`` and ``instance_mask`` as PNG.
        least_brightness: Mean grey value below which a picture counts as black.
        count: Is brought up to date.
    """
    try:
        image = decode_rgb(pictures["image"])
        classes, instances = (decode_ids(pictures[f"{n}_mask"]) for n in ("class", "instance"))
    except (DataError, TypeError) as error:
        yield Finding(check="pictures", where=where, problem=str(error))
        return
    brightness = float(image.mean())
    count.num_pictures += 1
    count.brightness.append(brightness)
    if brightness < least_brightness:
        count.num_dark += 1
        problem = (
            f"is black: expected a mean grey value of {least_brightness}, got {brightness:.1f}"
        )
        yield Finding(check="dark", where=where, problem=problem)
    if not image.shape[:2] == classes.shape == instances.shape:
        problem = f"sizes differ: {image.shape}, masks {classes.shape} and {instances.shape}"
        yield Finding(check="pictures", where=where, problem=problem)
    elif classes.max() > max(SemanticClass):
        problem = f"expected classes up to {max(SemanticClass)}, got {classes.max()}"
        yield Finding(check="masks", where=where, problem=problem)
    elif ((instances > 0) != (classes == SemanticClass.OBJECT)).any():
        problem = "the masks of classes and instances disagree about which pixels show an object"
        yield Finding(check="masks", where=where, problem=problem)


def check_masks(row: Row, count: MaskCount) -> Iterator[Finding]:
    """Compare each visible object's mask with where the recorded camera puts the object.

    The distance from the projected centre of mass to the nearest pixel of the mask counts: for a
    hidden half it is up to the object's own extent, for a wrong camera or pose much more.
    """
    try:
        camera, instances = camera_of(row), decode_ids(row["instance_mask_before"])
    except (DataError, TypeError):
        return  # `check_pictures` has said so
    places_px, depth_m = project(np.array(row["object_centres_m"]), camera)
    count.num_objects += len(places_px)
    for index, (place_px, far_m) in enumerate(zip(places_px, depth_m, strict=True)):
        offset_px = _offset_px(instances, index, place_px)
        if offset_px is None:
            continue
        count.num_visible += 1
        count.offset_px += offset_px
        limit_px = _SLACK_PX + _REACH_M * camera.fx_px / max(far_m, 1e-3)
        if far_m <= 0 or offset_px > limit_px:
            count.num_missed += 1
            problem = (
                f"object {row['object_ids'][index]} lies at pixel {np.round(place_px, 1).tolist()},"
                f" its mask {offset_px:.1f} px away (at most {limit_px:.1f})"
            )
            yield Finding(check="poses", where=row["scene_id"], problem=problem)


def _offset_px(instances: ByteImage, index: int, place_px: FloatArray) -> float | None:
    """Distance from a place to the nearest pixel of an object; None if it is hardly seen."""
    rows, columns = np.nonzero(instances == index + 1)
    if len(rows) < _LEAST_VISIBLE_PX:
        return None
    return float(np.hypot(columns - place_px[0], rows - place_px[1]).min())
