"""What a frame of the LeRobotDataset holds, declared as LeRobot and as its Parquet files want."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from tasks.grasping.exports.episodes import ACTION_NAMES, MOTION_NAMES, STATE_NAMES
from tasks.grasping.types import FloatArray

FPS: Final = 1  # decisions have no clock
BEFORE: Final = "observation.images.before"
ARM: Final = "observation.images.arm"
BEFORE_MASK: Final = "observation.images.before_classes"
ARM_MASK: Final = "observation.images.arm_classes"

NUMBERS: Final[dict[str, tuple[str, tuple[str, ...] | None]]] = {
    "observation.state": ("float32", STATE_NAMES),
    "action": ("float32", ACTION_NAMES),
    "motion": ("float32", MOTION_NAMES),
    "next.reward": ("float32", None),
    "next.done": ("bool", None),
    "next.success": ("bool", None),
    "timestamp": ("float32", None),
    "frame_index": ("int64", None),
    "episode_index": ("int64", None),
    "index": ("int64", None),
    "task_index": ("int64", None),
}
"""Numbers of a frame: type, and the names of a vector's components."""

_PICTURE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture_features(with_masks: bool) -> dict[str, int]:
    """Channels of each picture of a frame."""
    return {BEFORE: 3, ARM: 3} | ({BEFORE_MASK: 1, ARM_MASK: 1} if with_masks else {})


def features(width_px: int, height_px: int, with_masks: bool) -> dict[str, Any]:
    """Features as ``meta/info.json`` declares them."""
    pictures = {
        name: {
            "dtype": "image",
            "shape": [height_px, width_px, channels],
            "names": ["height", "width", "channels"],
        }
        for name, channels in picture_features(with_masks).items()
    }
    numbers = {
        name: {"dtype": dtype, "shape": [len(names or "1")], "names": names and list(names)}
        for name, (dtype, names) in NUMBERS.items()
    }
    return pictures | numbers


def frame_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Frames as a table of the data files.

    Args:
        columns: By feature, PNG bytes of each frame's picture, or arrays (frames, size) that
            stand for consecutive frames.

    Returns:
        The table, with the note that lets Hugging Face's readers see pictures and vectors.
    """
    arrays: dict[str, pa.Array] = {}
    noted: dict[str, Any] = {}
    for name, values in columns.items():
        if name in NUMBERS:
            arrays[name], noted[name] = _numbers(np.concatenate(values), *NUMBERS[name])
        else:
            pictures = [{"bytes": png, "path": None} for png in values]
            arrays[name], noted[name] = pa.array(pictures, _PICTURE), {"_type": "Image"}
    note = json.dumps({"info": {"features": noted}})
    return pa.table(arrays).replace_schema_metadata({"huggingface": note})


def _numbers(
    values: FloatArray, dtype: str, names: tuple[str, ...] | None
) -> tuple[pa.Array, dict[str, Any]]:
    array, noted = pa.array(values.ravel().astype(dtype)), {"dtype": dtype, "_type": "Value"}
    if names is None:
        return array, noted
    size = len(names)
    return (
        pa.FixedSizeListArray.from_arrays(array, size),
        {"feature": noted, "length": size, "_type": "List"},
    )
