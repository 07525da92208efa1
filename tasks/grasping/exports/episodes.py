"""Attempts as episodes: how robot-learning formats see a grasp attempt.

- One attempt is one episode, one decision is one frame: the picture with the arm, the state in
  which it was taken, and the action that followed. A one-shot attempt has one frame. There is no
  picture after the last move, so no frame is made up for it: the last frame's action ends with
  the closing of the fingers, and its reward says whether an object was lifted.
- State: TCP as measured (x, y, z, yaw). Action: TCP that was commanded, and 1 where the fingers
  close after the move. Command: what a grasp predictor is asked about; motion: the same to where
  the fingers closed, which gives part of the outcome away. See `tasks.grasping.types`.
- What learning may know of the camera is called ``calibrated_…``, what it really was ``true_…``.
- Decisions have no clock; formats that want one are told one decision per second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from tasks.core.errors import DataError
from tasks.grasping.data.schema import SCHEMA, open_shard
from tasks.grasping.data.shards import check_distinct
from tasks.grasping.types import FloatArray

STATE_NAMES: Final = ("x_m", "y_m", "z_m", "yaw_rad")
ACTION_NAMES: Final = ("x_m", "y_m", "z_m", "yaw_rad", "close")
MOTION_NAMES: Final = ("dx_m", "dy_m", "dz_m", "sin_2dyaw", "cos_2dyaw")
CAMERAS: Final[dict[str, tuple[int, ...]]] = {
    "calibrated_matrix": (3, 3),
    "calibrated_from_base": (4, 4),
    "true_matrix": (3, 3),
    "true_from_base": (4, 4),
    "distortion": (2,),
}
"""What an episode's row tells of the camera, each as a list, and its shape."""
OBJECTS: Final[dict[str, int]] = {
    "object_positions_m": 3,
    "object_quaternions_xyzw": 4,
    "object_centres_m": 3,
}
"""What it tells of the scene's objects, and how many numbers of each."""
TASK: Final = "Pick up an object from the bin."
_ROWS_AT_ONCE = 32
_NOT_EXPORTED: Final = ("depth", "parts", "shading")
_TRUE: Final = {"camera_matrix": "true_matrix", "camera_from_base": "true_from_base"}


@dataclass(frozen=True)
class Frame:
    """One decision of an attempt.

    Attributes:
        image: Picture with the arm before the move, PNG, RGB.
        class_mask: Semantic class of its pixels, PNG.
        instance_mask: Object of its pixels, PNG.
        state: TCP where the picture was taken, (4,), see `STATE_NAMES`.
        action: Commanded TCP and closing, (5,), see `ACTION_NAMES`.
        command: From the state to where the fingers shall close, (5,), see `MOTION_NAMES`.
        motion: From the state to where they closed, (5,).
        reached: TCP after the move, (4,).
        reward: 1 on the last frame of a successful attempt, else 0.
        is_last: Whether the fingers close after this move.
    """

    image: bytes
    class_mask: bytes
    instance_mask: bytes
    state: FloatArray
    action: FloatArray
    command: FloatArray
    motion: FloatArray
    reached: FloatArray
    reward: float
    is_last: bool


@dataclass(frozen=True)
class Episode:
    """One attempt.

    Attributes:
        row: The row without its pictures and steps; the true camera is called so.
        image_before: Picture without the arm, PNG, RGB.
        class_mask_before: Semantic class of its pixels, PNG.
        instance_mask_before: Object of its pixels, PNG.
        frames: The decisions, first to last.
    """

    row: Mapping[str, Any]
    image_before: bytes
    class_mask_before: bytes
    instance_mask_before: bytes
    frames: tuple[Frame, ...]


def episodes(shards: Sequence[Path]) -> Iterator[Episode]:
    """Read attempts one after another; memory holds one row group at most.

    Raises:
        ArtifactError: A shard is cut short, no Parquet file, or of another schema version.
        DataError: An attempt stands twice, has no steps, or its pictures have another size than
            the first.
    """
    check_distinct(shards)
    size_px: tuple[int, int] | None = None
    for path in shards:
        for row in _rows(path):
            episode = _episode(row)
            seen = {png_size_px(each) for each in _pictures(episode)}
            size_px = size_px or png_size_px(episode.image_before)
            if seen != {size_px}:
                raise DataError(
                    f"{row['attempt_id']}: expected pictures of {size_px} px as in the first "
                    f"attempt, got {sorted(seen)}; export data sets of one size each"
                )
            yield episode


def num_attempts(shards: Iterable[Path]) -> int:
    """Number of attempts, from the files' footers."""
    return sum(pq.read_metadata(path).num_rows for path in shards)


def png_size_px(png: bytes) -> tuple[int, int]:
    """(width, height) of a PNG picture, from its header."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    columns = [name for name in SCHEMA.names if not name.startswith(_NOT_EXPORTED)]
    with open_shard(path, columns) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
            yield from batch.to_pylist()


def _episode(row: dict[str, Any]) -> Episode:
    steps = row.pop("steps")
    if not steps:
        raise DataError(f"{row['attempt_id']}: expected at least one step, got none")
    return Episode(
        image_before=row.pop("image_before"),
        class_mask_before=row.pop("class_mask_before"),
        instance_mask_before=row.pop("instance_mask_before"),
        frames=tuple(_frame(row, step, step is steps[-1]) for step in steps),
        row={_TRUE.get(name, name): value for name, value in row.items()},
    )


def _frame(row: Mapping[str, Any], step: Mapping[str, Any], is_last: bool) -> Frame:
    return Frame(
        image=step["image"],
        class_mask=step["class_mask"],
        instance_mask=step["instance_mask"],
        state=np.array(step["pose"]),
        action=np.array([*step["target"], float(is_last)]),
        command=np.array(step["command"]),
        motion=np.array(step["motion"]),
        reached=np.array(step["reached"]),
        reward=float(is_last and row["is_success"]),
        is_last=is_last,
    )


def _pictures(episode: Episode) -> list[bytes]:
    return [episode.image_before, *(frame.image for frame in episode.frames)]
