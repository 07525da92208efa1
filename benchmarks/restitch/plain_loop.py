"""Restitches captures without the runtime: the pipeline's item functions, one after the other.

Same photos, settings and files; no keys, claims, digests of what is written, or store. That is the
loop which somebody would write who has one machine and no need to go on where it was cut off.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2

from benchmarks.restitch.judgements.small_captures import PANORAMA_WIDTH_PX, small_capture
from benchmarks.restitch.pipeline import copy_bare
from tasks.core.outside.stored import local_path
from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef
from tasks.panorama.config import InspectConfig, MatchConfig, RenderConfig, SolveConfig
from tasks.panorama.manifests import CaptureFolder, RenderRecord
from tasks.panorama.stages.ingest import ingest_one
from tasks.panorama.stages.match import match_one
from tasks.panorama.stages.render import render_one
from tasks.panorama.stages.solve import solve_one
from tasks.panorama.types import ByteImage
from tasks.report.picture import encode

INSPECT = InspectConfig(min_overlap=0.02, trust_rigs=False, thumbnail_px=240)
RENDER = RenderConfig(width_px=PANORAMA_WIDTH_PX)
_NOT_DIGESTED = "0" * 64


class PlainFolder:
    """A folder of this disk that files are written into, as a stage's item has one."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self.path = path

    def add(self, name: str) -> FileRef:
        """Refer to a file that was written."""
        path = self.path / name
        return FileRef(uri=str(path), sha256=_NOT_DIGESTED, num_bytes=path.stat().st_size)

    def add_picture(self, name: str, picture: ByteImage | bytes) -> FileRef:
        """Write a picture."""
        data = picture if isinstance(picture, bytes) else encode(picture, name)
        (self.path / name).write_bytes(data)
        return self.add(name)

    def fetch(self, file: FileRef) -> Path:
        """Where a file lies."""
        return local_path(file.uri)


def restitch_plainly(capture: Path, out: Path) -> RenderRecord:
    """Restitch one capture.

    Args:
        capture: Its folder.
        out: New folder for its files.
    """

    def folder(stage: str) -> ItemFolder:  # restitching draws nothing and keeps no checkpoints
        return cast(ItemFolder, PlainFolder(out / stage))

    item = CaptureFolder(item_id=capture.name, path=str(capture), fingerprint="")
    found = ingest_one(item, INSPECT, folder("ingest"))
    matched = match_one(found, MatchConfig(), folder("match"))
    solved = solve_one(matched, SolveConfig(), folder("solve"))
    return render_one(solved, RENDER, folder("render"))


def plain_loop(captures: Sequence[Path]) -> int:
    """Restitch captures one after the other; returns how many."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        for capture in captures:
            restitch_plainly(capture, Path(name) / capture.name)
    return len(captures)


def bare_captures(folder: Path, seeds: Sequence[int]) -> list[Path]:
    """Copy small captures into a folder as users have them, without their truth."""
    return [copy_bare(small_capture(seed), folder / f"{seed:05d}") for seed in seeds]
