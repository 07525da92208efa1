"""Export as WebDataset: tar files that training streams through.

A sample is one attempt. Its key is the attempt's id with ``_`` for what tar members' keys may
not hold; its members are ``before.png``, ``before_class.png``, ``before_instance.png``, for each
decision k ``k.image.png``, ``k.class.png`` and ``k.instance.png``, ``json`` with all else that
the row holds (poses, commands and motions under ``steps``), and ``cls``, 1 for a success and 0
else.
Equal shards give equal bytes.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tasks.grasping.exports.episodes import Episode, Frame, episodes
from tasks.grasping.exports.target import Exported, Written, export_to

FORMAT_ID: Final = "webdataset/2"
_TAR_BYTES = 256 * 2**20


def export_webdataset(
    shards: Sequence[Path], target: Path, tar_bytes: int = _TAR_BYTES
) -> Exported:
    """Export a data set as tar files named ``attempts-000000.tar`` and so on.

    Args:
        shards: The data set's Parquet files, in order.
        target: Folder of the export; see `tasks.grasping.exports.target.export_to`.
        tar_bytes: A new file begins after the sample with which a file reaches this size.

    Returns:
        What was exported.
    """

    def write(folder: Path) -> Written:
        num_attempts = num_frames = 0
        with _Tars(folder, tar_bytes) as tars:
            for episode in episodes(shards):
                tars.add(sample_key(episode.row["attempt_id"]), list(_members(episode)))
                num_attempts += 1
                num_frames += len(episode.frames)
        return Written(num_attempts, num_frames)

    return export_to(target, FORMAT_ID, shards, write, {"tar_bytes": tar_bytes})


def sample_key(attempt_id: str) -> str:
    """Key of an attempt's sample."""
    return re.sub(r"[^A-Za-z0-9-]", "_", attempt_id)


def _members(episode: Episode) -> Iterator[tuple[str, bytes]]:
    yield "before.png", episode.image_before
    yield "before_class.png", episode.class_mask_before
    yield "before_instance.png", episode.instance_mask_before
    for index, frame in enumerate(episode.frames):
        yield f"{index}.image.png", frame.image
        yield f"{index}.class.png", frame.class_mask
        yield f"{index}.instance.png", frame.instance_mask
    values = {**episode.row, "steps": [_step(frame) for frame in episode.frames]}
    for name in ("dynamics", "look", "versions"):  # JSON in the row
        values[name] = json.loads(values[name]) if values[name] else None
    yield "json", json.dumps(values, sort_keys=True).encode()
    yield "cls", str(int(episode.row["is_success"])).encode()


def _step(frame: Frame) -> dict[str, list[float]]:
    vectors = {
        "pose": frame.state,
        "target": frame.action[:4],
        "reached": frame.reached,
        "command": frame.command,
        "motion": frame.motion,
    }
    return {name: vector.tolist() for name, vector in vectors.items()}


class _Tars:
    """Writes samples into one tar file after another."""

    def __init__(self, folder: Path, tar_bytes: int) -> None:
        self._folder = folder
        self._tar_bytes = tar_bytes
        self._tar: tarfile.TarFile | None = None
        self._num_tars = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._close()

    def add(self, key: str, members: Sequence[tuple[str, bytes]]) -> None:
        """Write one sample; its members stand together, as readers expect."""
        if self._tar is None:
            path = self._folder / f"attempts-{self._num_tars:06d}.tar"
            self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self._num_tars += 1
        for name, data in members:
            info = tarfile.TarInfo(f"{key}.{name}")
            info.size = len(data)
            self._tar.addfile(info, io.BytesIO(data))
        if self._tar.offset >= self._tar_bytes:
            self._close()

    def _close(self) -> None:
        if self._tar is not None:
            self._tar.close()
        self._tar = None
