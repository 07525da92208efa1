"""Export as RLDS: a TensorFlow dataset of episodes, written without TensorFlow.

Layout: S. Ramos et al., "RLDS: an Ecosystem to Generate, Share and Use Datasets in
Reinforcement Learning", 2021, in the files that TensorFlow Datasets reads with
``tfds.load("grasp_attempts", data_dir=target)`` or ``tfds.builder_from_directory``. An episode
has ``steps``, a nested dataset, and ``episode_metadata`` with the picture without the arm, so
that it is stored once. As in most published RLDS data sets of robots, the last step carries the
last action and its reward: there is no picture after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from tasks.grasping.exports.episodes import CAMERAS, OBJECTS, TASK, Episode, episodes, png_size_px
from tasks.grasping.exports.rlds_features import TEXTS, features
from tasks.grasping.exports.target import Exported, Written, export_to
from tasks.grasping.exports.tfrecord import Values, example, write_record

NAME: Final = "grasp_attempts"
VERSION: Final = "2.0.0"
FORMAT_ID: Final = f"rlds/{VERSION}"
_FILE_BYTES = 256 * 2**20
_DESCRIPTION = (
    "Simulated grasp attempts of a robot arm over a bin. State and action are poses of the tool "
    "centre point in the robot's base frame: x, y, z in metres and yaw in radians; the action "
    "ends with 1 where the fingers close. Command leads from the state to where the fingers shall "
    "close: dx, dy, dz, sin 2 dyaw, cos 2 dyaw; motion to where they closed, which gives part of "
    "the outcome away. A robot knows its calibrated camera, not the true one. Poses of objects' "
    "links and their centres of mass are in the base frame, metres and quaternions x, y, z, w. One "
    "attempt is one episode; pictures are RGB."
)


def export_rlds(shards: Sequence[Path], target: Path, file_bytes: int = _FILE_BYTES) -> Exported:
    """Export a data set as ``target/grasp_attempts/2.0.0``; splits are those of the rows.

    Args:
        shards: The data set's Parquet files, in order.
        target: Folder of the export; see `tasks.grasping.exports.target.export_to`.
        file_bytes: A new file begins after the episode with which a file reaches this size.

    Returns:
        What was exported.
    """

    def write(folder: Path) -> Written:
        return _write(shards, folder / NAME / VERSION, file_bytes)

    return export_to(target, FORMAT_ID, shards, write, {"file_bytes": file_bytes})


@dataclass
class _Split:
    """The files of one split while they are written; their names need their number."""

    name: str
    folder: Path
    file_bytes: int
    shard_lengths: list[int] = field(default_factory=list)
    num_bytes: int = 0
    _file: BinaryIO | None = None

    def add(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._path(len(self.shard_lengths)).open("wb")
            self.shard_lengths.append(0)
        self.num_bytes += write_record(self._file, data)
        self.shard_lengths[-1] += 1
        if self._file.tell() >= self.file_bytes:
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def rename(self) -> None:
        """Give the files the names that TensorFlow Datasets looks for."""
        num_files = len(self.shard_lengths)
        for index in range(num_files):
            name = f"{NAME}-{self.name}.tfrecord-{index:05d}-of-{num_files:05d}"
            self._path(index).rename(self.folder / name)

    def info(self) -> dict[str, Any]:
        return {
            "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
            "name": self.name,
            "numBytes": str(self.num_bytes),
            "shardLengths": [str(length) for length in self.shard_lengths],
        }

    def _path(self, index: int) -> Path:
        return self.folder / f"{self.name}-{index}"


def _write(shards: Sequence[Path], folder: Path, file_bytes: int) -> Written:
    folder.mkdir(parents=True)
    splits: dict[str, _Split] = {}
    num_frames = 0
    size_px = (0, 0)
    with ExitStack() as stack:
        for episode in episodes(shards):
            size_px = png_size_px(episode.image_before)
            name = episode.row["split"]
            if name not in splits:
                splits[name] = _Split(name, folder, file_bytes)
                stack.callback(splits[name].close)
            splits[name].add(example(_flat(_values(episode))))
            num_frames += len(episode.frames)
    for split in splits.values():
        split.rename()
    _write_json(folder / "features.json", features(*size_px))
    _write_json(folder / "dataset_info.json", _dataset_info(splits.values()))
    return Written(sum(sum(split.shard_lengths) for split in splits.values()), num_frames)


def _values(episode: Episode) -> dict[str, Any]:
    """The episode as the features see it; a nested dataset is one list per leaf."""
    row, frames = episode.row, episode.frames
    return {
        "steps": {
            "observation": {
                "image": [frame.image for frame in frames],
                "class_mask": [frame.class_mask for frame in frames],
                "instance_mask": [frame.instance_mask for frame in frames],
                "state": [value for frame in frames for value in frame.state.tolist()],
            },
            "action": [value for frame in frames for value in frame.action.tolist()],
            "command": [value for frame in frames for value in frame.command.tolist()],
            "motion": [value for frame in frames for value in frame.motion.tolist()],
            "reward": [frame.reward for frame in frames],
            "discount": [0.0 if frame.is_last else 1.0 for frame in frames],
            "is_first": [int(frame is frames[0]) for frame in frames],
            "is_last": [int(frame.is_last) for frame in frames],
            "is_terminal": [int(frame.is_last) for frame in frames],
            "language_instruction": [TASK.encode()] * len(frames),
        },
        "episode_metadata": {
            "image_before": [episode.image_before],
            "class_mask_before": [episode.class_mask_before],
            "instance_mask_before": [episode.instance_mask_before],
            "is_success": [int(row["is_success"])],
            "is_uniform": [int(row["is_uniform"])],
            "is_stopped_early": [int(row["is_stopped_early"])],
            "lift_height_m": [float(row["lift_height_m"])],
            "finger_gap_m": [float(row["finger_gap_m"])],
            "lifted_object": [(row["lifted_object"] or "").encode()],
            **{name: [row[name].encode()] for name in TEXTS},
            "object_ids": [each.encode() for each in row["object_ids"]],
            **{name: list(row[name]) for name in CAMERAS},
            **{name: [v for pose in row[name] for v in pose] for name in OBJECTS},
        },
    }


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Values]:
    flat: dict[str, Values] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}/")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _dataset_info(splits: Iterable[_Split]) -> dict[str, Any]:
    return {
        "description": _DESCRIPTION,
        "fileFormat": "tfrecord",
        "moduleName": __name__,
        "name": NAME,
        "splits": [split.info() for split in splits],
        "version": VERSION,
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
