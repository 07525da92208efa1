"""What a frame of the LeRobotDataset holds, declared as LeRobot and as its Parquet files want."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from tasks.grasping.exports.episodes import ACTION_NAMES, CAMERAS, MOTION_NAMES, STATE_NAMES
from tasks.grasping.types import ByteImage, FloatArray

FPS: Final = 1  # decisions have no clock
BEFORE: Final = "observation.images.before"
ARM: Final = "observation.images.arm"

_CAMERAS: Final = {
    f"camera.{name}": ("float32", tuple(f"at_{'_'.join(map(str, at))}" for at in np.ndindex(shape)))
    for name, shape in CAMERAS.items()
}
NUMBERS: Final[dict[str, tuple[str, tuple[str, ...] | None]]] = {
    "observation.state": ("float32", STATE_NAMES),
    "action": ("float32", ACTION_NAMES),
    "command": ("float32", MOTION_NAMES),
    "motion": ("float32", MOTION_NAMES),
    **_CAMERAS,
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

MASKS: Final = (
    "masks.before_classes",
    "masks.before_instances",
    "masks.arm_classes",
    "masks.arm_instances",
)
"""Masks of a frame, row by row, (h * w,) uint8.

They are no pictures, since policies take each of those for a camera's, and no (h, w), since
LeRobot's own tools that split or merge data sets fail on arrays of two dimensions.
"""

_PICTURE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def features(width_px: int, height_px: int, with_masks: bool) -> dict[str, Any]:
    """Features as ``meta/info.json`` declares them."""
    pictures = {
        name: {
            "dtype": "image",
            "shape": [height_px, width_px, 3],
            "names": ["height", "width", "channels"],
        }
        for name in (BEFORE, ARM)
    }
    masks = {
        name: {"dtype": "uint8", "shape": [height_px * width_px], "names": None}
        for name in MASKS
        if with_masks
    }
    numbers = {
        name: {"dtype": dtype, "shape": [len(names or "1")], "names": names and list(names)}
        for name, (dtype, names) in NUMBERS.items()
    }
    return pictures | masks | numbers


def frame_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Frames as a table of the data files.

    Args:
        columns: By feature, PNG bytes of each frame's picture, each frame's mask (h, w), or
            arrays (frames, size) that stand for consecutive frames.

    Returns:
        The table, with the note that lets Hugging Face's readers see pictures and vectors.
    """
    arrays: dict[str, pa.Array] = {}
    noted: dict[str, Any] = {}
    for name, values in columns.items():
        if name in NUMBERS:
            arrays[name], noted[name] = _numbers(np.concatenate(values), *NUMBERS[name])
        elif name in MASKS:
            arrays[name], noted[name] = _masks(np.stack(values))
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


def _masks(values: ByteImage) -> tuple[pa.Array, dict[str, Any]]:
    """Masks (frames, h, w), each row by row."""
    size = values[0].size
    noted = {"feature": {"dtype": "uint8", "_type": "Value"}, "length": size, "_type": "List"}
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), size), noted
