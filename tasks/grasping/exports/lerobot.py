"""Export as a LeRobotDataset, version 3.0, with lossless pictures.

Layout: LeRobot, "LeRobotDataset v3.0", documentation, 2025; checked against what lerobot 0.4.4
reads. Pictures are features of the kind ``image`` (PNG inside the Parquet files), never video,
which would lose what small pictures show. Masks are arrays of numbers, because policies take
every picture of a data set for a camera's. Cameras stand in each frame, where a crop needs them;
what else is known of a whole attempt (split, objects, finger gap, …) in its row of
``meta/episodes``. How attempts become episodes is said in `tasks.grasping.exports.episodes`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.exports.episodes import (
    CAMERAS,
    OBJECTS,
    TASK,
    Episode,
    episodes,
    num_attempts,
    png_size_px,
)
from tasks.grasping.exports.lerobot_features import (
    ARM,
    BEFORE,
    FPS,
    MASKS,
    features,
    frame_table,
)
from tasks.grasping.exports.lerobot_stats import (
    Histogram,
    Totals,
    grey_histogram,
    number_statistics,
    picture_statistics,
)
from tasks.grasping.exports.target import Exported, Written, export_to
from tasks.grasping.types import ByteImage, FloatArray

FORMAT_ID: Final = "lerobot/v3.0"
_CHUNK_FILES = 1000
_FILE_MB = 100
_BUFFER_BYTES = 16 * 2**20
_PATH = "{kind}/chunk-{{chunk_index:03d}}/file-{{file_index:03d}}.parquet"
_DATA_PATH, _EPISODES_PATH = _PATH.format(kind="data"), _PATH.format(kind="meta/episodes")

_ABOUT: Final = (
    *("attempt_id", "scene_id", "world", "split", "object_family", "policy", "is_uniform"),
    *("object_ids", *OBJECTS),
    *("is_success", "lifted_object", "lift_height_m", "finger_gap_m", "is_stopped_early"),
)


def export_lerobot(
    shards: Sequence[Path], target: Path, *, with_masks: bool = True, file_mb: int = _FILE_MB
) -> Exported:
    """Export a data set that ``LeRobotDataset("any/name", root=target)`` opens.

    Args:
        shards: The data set's Parquet files, in order.
        target: Folder of the export; see `tasks.grasping.exports.target.export_to`.
        with_masks: Whether frames hold masks; at 64 px without, LeRobot reads one in 0.5 ms in
            place of 2.5.
        file_mb: A new file begins where one reaches this size, in MiB.

    Returns:
        What was exported.
    """

    def write(folder: Path) -> Written:
        writer = _Writer(folder, file_mb, with_masks, num_attempts(shards))
        try:
            for episode in episodes(shards):
                writer.add(episode)
            return writer.close()
        finally:
            writer.drop()

    return export_to(
        target, FORMAT_ID, shards, write, {"with_masks": with_masks, "file_mb": file_mb}
    )


class _Files:
    """One Parquet file after another, below chunks."""

    def __init__(self, folder: Path, pattern: str, file_mb: int) -> None:
        self._folder = folder
        self._pattern = pattern
        self._file_bytes = file_mb * 2**20
        self._index = 0
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Chunk and file that the next table goes into."""
        return divmod(self._index, _CHUNK_FILES)

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            chunk, file = self.place
            path = self._folder / self._pattern.format(chunk_index=chunk, file_index=file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sink = pa.OSFile(str(path), "wb")
            self._writer = pq.ParquetWriter(
                self._sink, table.schema, compression="zstd", compression_level=1
            )
        self._writer.write_table(table)
        if self._sink is not None and self._sink.tell() >= self._file_bytes:
            self.close()
            self._index += 1

    def close(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
        self._writer = self._sink = None

    def drop(self) -> None:
        """Let go of a file that wasn't closed: its folder is removed, on a full disk, say."""
        if self._writer is not None and self._sink is not None:
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._writer.is_open = False  # else it is closed, and fails, once more when it goes
            self._sink.close()
        self._writer = self._sink = None


class _Writer:
    """Writes frames and episodes in step: an episode's row names the file of its frames."""

    def __init__(self, folder: Path, file_mb: int, with_masks: bool, num_episodes: int) -> None:
        self._folder = folder
        self._file_mb = file_mb
        self._with_masks = with_masks
        self._frame_files = _Files(folder, _DATA_PATH, file_mb)
        self._episode_files = _Files(folder, _EPISODES_PATH, file_mb)
        self._totals = Totals(num_episodes)
        self._frames: dict[str, list[Any]] = defaultdict(list)
        self._episodes: list[dict[str, Any]] = []
        self._waiting_bytes = 0
        self._num_episodes = self._num_frames = 0
        self._splits: set[str] = set()
        self._size_px = (0, 0)
        self._world = ""
        self._counted: dict[str, tuple[bytes, Histogram]] = {}

    def add(self, episode: Episode) -> None:
        """Take one episode."""
        self._size_px = png_size_px(episode.image_before)
        self._world = episode.row["world"]
        pictures, numbers = self._pictures(episode), self._numbers(episode)
        for name, masks in self._masks(episode).items():
            self._frames[name] += masks
            self._waiting_bytes += sum(mask.nbytes for mask in masks)
        for name, pngs in pictures.items():
            self._frames[name] += pngs
            self._waiting_bytes += sum(len(png) for png in pngs)
        for name, values in numbers.items():
            self._frames[name].append(values)
        counts = {
            name: (np.sum([self._histogram(name, png) for png in pngs], 0), len(pngs))
            for name, pngs in pictures.items()
        }
        self._totals.add(numbers, counts)
        self._episodes.append(self._row(episode, numbers, counts))
        self._splits.add(episode.row["split"])
        self._num_episodes += 1
        self._num_frames += len(episode.frames)
        if self._waiting_bytes >= _BUFFER_BYTES:
            self._flush()

    def close(self) -> Written:
        """Write what waits, and what describes the data set."""
        self._flush()
        self._frame_files.close()
        self._episode_files.close()
        meta = self._folder / "meta"
        _write_json(meta / "info.json", self._info())
        _write_json(meta / "stats.json", self._totals.statistics())
        tasks = pd.DataFrame({"task_index": [0]}, index=pd.Index([TASK], dtype=object))
        tasks.to_parquet(meta / "tasks.parquet")
        return Written(self._num_episodes, self._num_frames)

    def drop(self) -> None:
        """Let go of what wasn't closed."""
        self._frame_files.drop()
        self._episode_files.drop()

    def _pictures(self, episode: Episode) -> dict[str, list[bytes]]:
        """PNG pictures of all frames by feature; the one without the arm stands in each frame."""
        frames = episode.frames
        return {
            BEFORE: [episode.image_before] * len(frames),
            ARM: [frame.image for frame in frames],
        }

    def _masks(self, episode: Episode) -> dict[str, list[ByteImage]]:
        """Masks of all frames by feature; those without the arm stand in each frame."""
        if not self._with_masks:
            return {}
        frames = episode.frames
        masks = (
            [decode_ids(episode.class_mask_before)] * len(frames),
            [decode_ids(episode.instance_mask_before)] * len(frames),
            [decode_ids(frame.class_mask) for frame in frames],
            [decode_ids(frame.instance_mask) for frame in frames],
        )
        return dict(zip(MASKS, masks, strict=True))

    def _numbers(self, episode: Episode) -> dict[str, FloatArray]:
        """Numbers of all frames by feature, (frames, size)."""
        frames = episode.frames
        rewards, ends = [frame.reward for frame in frames], [frame.is_last for frame in frames]
        order = np.arange(len(frames))
        scalars = {
            "next.reward": rewards,
            "next.done": ends,
            "next.success": rewards,
            "timestamp": order / FPS,
            "frame_index": order,
            "episode_index": np.full(len(frames), self._num_episodes),
            "index": self._num_frames + order,
            "task_index": np.zeros(len(frames)),
        }
        return {
            "observation.state": np.stack([frame.state for frame in frames]),
            "action": np.stack([frame.action for frame in frames]),
            "command": np.stack([frame.command for frame in frames]),
            "motion": np.stack([frame.motion for frame in frames]),
            **{f"camera.{name}": np.tile(episode.row[name], (len(frames), 1)) for name in CAMERAS},
            **{name: np.array(values, np.float64)[:, None] for name, values in scalars.items()},
        }

    def _histogram(self, name: str, png: bytes) -> Histogram:
        """Grey values of a picture; that without the arm is the same for all of a scene."""
        last = self._counted.get(name)
        if last is not None and last[0] == png:
            return last[1]
        histogram = grey_histogram(decode_rgb(png))
        self._counted[name] = png, histogram
        return histogram

    def _row(
        self,
        episode: Episode,
        numbers: Mapping[str, FloatArray],
        counts: Mapping[str, tuple[Histogram, int]],
    ) -> dict[str, Any]:
        """The episode's row of ``meta/episodes``; its files are noted when they are known."""
        statistics = number_statistics(numbers)
        statistics |= {name: picture_statistics(*counted) for name, counted in counts.items()}
        return {
            "episode_index": self._num_episodes,
            "tasks": [TASK],
            "length": len(episode.frames),
            "dataset_from_index": self._num_frames,
            "dataset_to_index": self._num_frames + len(episode.frames),
            **{name: episode.row[name] for name in _ABOUT},
            "lifted_object": episode.row["lifted_object"] or "",  # a column of nulls has no type
            **{
                f"stats/{feature}/{name}": value
                for feature, values in statistics.items()
                for name, value in values.items()
            },
        }

    def _flush(self) -> None:
        if not self._episodes:
            return
        data, meta = self._frame_files.place, self._episode_files.place
        self._frame_files.write(frame_table(self._frames))
        places = {
            "data/chunk_index": data[0],
            "data/file_index": data[1],
            "meta/episodes/chunk_index": meta[0],
            "meta/episodes/file_index": meta[1],
        }
        self._episode_files.write(pa.Table.from_pylist([row | places for row in self._episodes]))
        self._frames, self._episodes, self._waiting_bytes = defaultdict(list), [], 0

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": FORMAT_ID.partition("/")[2],
            "robot_type": f"simulated: {self._world}",
            "total_episodes": self._num_episodes,
            "total_frames": self._num_frames,
            "total_tasks": 1,
            "chunks_size": _CHUNK_FILES,
            "data_files_size_in_mb": self._file_mb,
            "video_files_size_in_mb": self._file_mb,
            "fps": FPS,
            # ranges of episodes; several splits stand mixed, see the episodes' own column
            "splits": {
                name: f"0:{self._num_episodes}" for name in self._splits if len(self._splits) == 1
            },
            "data_path": _DATA_PATH,
            "video_path": None,
            "features": features(*self._size_px, self._with_masks),
        }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=4) + "\n", "utf-8")
