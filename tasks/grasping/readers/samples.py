"""Rows as samples of the grasp predictor: every decision of an attempt is one.

A sample is what the predictor is given when it decides (the picture without the arm, the picture
now, and the command from here to where the fingers shall close) and whether the attempt succeeded,
as in S. Levine et al., "Learning Hand-Eye Coordination for Robotic Grasping with Deep Learning and
Large-Scale Data Collection", IJRR 2018, section 4. What else is known of it comes on request,
see `EXTRAS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.errors import DataError
from tasks.grasping.data.png import decode_depth, decode_ids, decode_rgb
from tasks.grasping.data.shards import check_distinct
from tasks.grasping.types import Camera, Rendering
from tasks.grasping.workspace import MAX_OBJECTS

Extra = Literal["about", "cameras", "g_buffers", "masks", "motion", "objects", "poses"]
EXTRAS: Final[tuple[Extra, ...]] = get_args(Extra)
"""What a sample may hold beside ``before``, ``now``, ``command`` and ``success``.

Frames and units are those of `tasks.grasping.types`; h and w are the pictures' size.

- ``about``: ``attempt_id``, ``scene_id`` and ``split`` (texts), ``is_uniform`` (bool).
- ``cameras``: ``calibrated_matrix`` (3, 3) px and ``calibrated_from_base`` (4, 4) m, all that a
  robot knows of its camera and that learning may use; ``true_matrix`` and ``true_from_base``, how
  it really was; ``distortion`` (2,), k1 and k2 of both. float64.
- ``g_buffers``, where ``camera.g_buffers`` was on: ``before_depth`` and ``now_depth`` (h, w)
  float32, metres along the optical axis, infinite where nothing is; ``before_parts``,
  ``now_parts``, ``before_shading`` and ``now_shading`` (h, w) uint8.
- ``masks``: ``before_class_mask``, ``before_instance_mask``, ``now_class_mask`` and
  ``now_instance_mask`` (h, w) uint8.
- ``motion``: ``motion`` (5,) float32, to where the fingers closed. It gives part of the outcome
  away: nothing to predict success from.
- ``objects``: ``object_ids`` (k,) texts, their links' ``object_positions_m`` (k, 3) and
  ``object_quaternions_xyzw`` (k, 4), and ``object_centres_m`` (k, 3), of mass; float64, base frame;
  i + 1 in an instance mask is object i. k is `MAX_OBJECTS`, since scenes lose what doesn't stay in
  the bin: beyond a scene's own there are empty texts and NaN.
- ``poses``: TCPs in the base frame, (4,) float64: x_m, y_m, z_m, yaw_rad. ``pose`` where the
  picture was taken, ``target`` and ``reached`` of this move, and ``grasp``, where the fingers shall
  close: the command leads from ``pose`` there.
"""

Sample = dict[str, npt.NDArray[Any]]
_Values = Mapping[str, Any]

_IN_ROW: Final[Mapping[Extra, tuple[str, ...]]] = {
    "about": ("attempt_id", "scene_id", "split", "is_uniform"),
    "cameras": (
        *("calibrated_matrix", "calibrated_from_base", "camera_matrix", "camera_from_base"),
        "distortion",
    ),
    "g_buffers": ("depth_before", "parts_before", "shading_before"),
    "masks": ("class_mask_before", "instance_mask_before"),
    "objects": (
        *("object_ids", "object_positions_m", "object_quaternions_xyzw", "object_centres_m"),
    ),
}
_IN_STEP: Final[Mapping[Extra, tuple[str, ...]]] = {
    "g_buffers": ("depth", "parts", "shading"),
    "masks": ("class_mask", "instance_mask"),
    "motion": ("motion",),
    "poses": ("pose", "target", "reached"),
}


def find_shards(folder: Path) -> list[Path]:
    """Shards of a data set's folder, in order.

    Raises:
        DataError: There are none.
    """
    shards = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    if not shards:
        raise DataError(f"expected a folder of *.parquet shards, found none in {folder}")
    return shards


def shards_of(source: Path | Sequence[Path]) -> list[Path]:
    """Shards of a folder, or the given ones.

    Raises:
        ArtifactError: A shard can't be read; see `tasks.grasping.data.schema.open_shard`.
        DataError: There are none, or an attempt stands in them twice.
    """
    shards = find_shards(source) if isinstance(source, Path) else list(source)
    check_distinct(shards)
    return shards


def sample_columns(also: Collection[Extra] = (), *, whole_steps: bool = False) -> list[str]:
    """Columns that `decode_samples` needs.

    Args:
        also: What samples shall hold beside the usual, of `EXTRAS`.
        whole_steps: Name the steps as one column. ``pyarrow.parquet.ParquetFile`` reads parts
            of them by themselves; ``pyarrow.dataset``, and with it Ray Data, can't.

    Raises:
        ValueError: There is no such extra.
    """
    if unknown := sorted(set(also) - {*EXTRAS}):
        raise ValueError(f"expected extras of samples among {EXTRAS}, got {unknown}")
    parts = ["image", "command", *(name for extra in also for name in _IN_STEP.get(extra, ()))]
    return [
        *("image_before", "is_success"),
        *(name for extra in also for name in _IN_ROW.get(extra, ())),
        *(["steps"] if whole_steps else [f"steps.list.element.{name}" for name in parts]),
    ]


def decode_samples(rows: pa.Table, also: Collection[Extra] = ()) -> Sample:
    """Decode all samples of some rows.

    Args:
        rows: The columns that `sample_columns` names.
        also: As was said there.

    Returns:
        Arrays of n samples by name: ``before`` and ``now`` (n, h, w, 3) uint8, RGB; ``command``
        (n, 5) float32; ``success`` (n,) float32; and with n before their shapes those of
        `EXTRAS` that were asked for.

    Raises:
        DataError: A picture can't be decoded, or G-buffers were not stored.
    """
    samples = [
        decode_sample(row, step, also)
        for row in rows.to_pylist()
        for step in range(len(row["steps"]))
    ]
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def decode_sample(row: Mapping[str, Any], step: int, also: Collection[Extra] = ()) -> Sample:
    """Decode one decision of a row; see `decode_samples`."""
    decision = row["steps"][step]
    sample: Sample = {
        "before": decode_rgb(row["image_before"]),
        "now": decode_rgb(decision["image"]),
        "command": np.array(decision["command"], np.float32),
        "success": np.array(row["is_success"], np.float32),
    }
    for extra in also:
        sample |= _DECODED[extra](row, decision)
    return sample


def camera_in(sample: Sample, kind: Literal["calibrated", "true"] = "calibrated") -> Camera:
    """The camera of a sample that was read with ``cameras``.

    Args:
        sample: As `decode_sample` gives it: arrays, pictures (h, w, 3).
        kind: The camera as the robot knows it, or as it really was.
    """
    height_px, width_px = sample["before"].shape[:2]
    (fx_px, _, cx_px), (_, fy_px, cy_px), _ = sample[f"{kind}_matrix"].tolist()
    k1, k2 = sample["distortion"].tolist()
    pose = sample[f"{kind}_from_base"]
    return Camera(width_px, height_px, fx_px, fy_px, cx_px, cy_px, pose, (k1, k2))


def rendering_in(sample: Sample, picture: Literal["before", "now"]) -> Rendering:
    """A picture of a sample that was read with ``cameras``, ``g_buffers`` and ``masks``.

    It is what `tasks.grasping.looks.repaint.repaint` takes; see `camera_in`.
    """
    return Rendering(
        camera=camera_in(sample, "true"),
        rgb=sample[picture],
        class_ids=sample[f"{picture}_class_mask"],
        instance_ids=sample[f"{picture}_instance_mask"],
        part_ids=sample[f"{picture}_parts"],
        depth_m=sample[f"{picture}_depth"],
        shading=sample[f"{picture}_shading"],
    )


def _about(row: _Values, _: _Values) -> Sample:
    return {name: np.array(row[name]) for name in _IN_ROW["about"]}


def _cameras(row: _Values, _: _Values) -> Sample:
    return {
        "calibrated_matrix": np.reshape(row["calibrated_matrix"], (3, 3)),
        "calibrated_from_base": np.reshape(row["calibrated_from_base"], (4, 4)),
        "true_matrix": np.reshape(row["camera_matrix"], (3, 3)),
        "true_from_base": np.reshape(row["camera_from_base"], (4, 4)),
        "distortion": np.array(row["distortion"]),
    }


def _g_buffers(row: _Values, decision: _Values) -> Sample:
    sample: Sample = {}
    advice = "collect with camera.g_buffers, or read samples without g_buffers"
    for name, decode in (("depth", decode_depth), ("parts", decode_ids), ("shading", decode_ids)):
        before, now = _stored(name, row, decision, advice)
        sample |= {f"before_{name}": decode(before), f"now_{name}": decode(now)}
    return sample


def _masks(row: _Values, decision: _Values) -> Sample:
    sample: Sample = {}
    for name in _IN_STEP["masks"]:
        before, now = _stored(name, row, decision, "collect again, or read samples without masks")
        sample |= {f"before_{name}": decode_ids(before), f"now_{name}": decode_ids(now)}
    return sample


def _stored(name: str, row: _Values, decision: _Values, advice: str) -> tuple[bytes, bytes]:
    """What stands beside the picture without the arm, and beside the one with it."""
    before, now = row[f"{name}_before"], decision[name]
    if before is None or now is None:
        raise DataError(f"expected {name} with each picture, found none: {advice}")
    return before, now


def _motion(_: _Values, decision: _Values) -> Sample:
    return {"motion": np.array(decision["motion"], np.float32)}


def _objects(row: _Values, _: _Values) -> Sample:
    ids, *places = _IN_ROW["objects"]
    num_missing = MAX_OBJECTS - len(row[ids])
    sample: Sample = {ids: np.array([*row[ids], *[""] * num_missing])}
    for name in places:
        sample[name] = np.pad(row[name], ((0, num_missing), (0, 0)), constant_values=np.nan)
    return sample


def _poses(row: _Values, decision: _Values) -> Sample:
    poses = {name: np.array(decision[name]) for name in _IN_STEP["poses"]}
    return poses | {"grasp": np.array(row["steps"][-1]["target"])}


_DECODED: Final[Mapping[Extra, Callable[[_Values, _Values], Sample]]] = {
    "about": _about,
    "cameras": _cameras,
    "g_buffers": _g_buffers,
    "masks": _masks,
    "motion": _motion,
    "objects": _objects,
    "poses": _poses,
}
