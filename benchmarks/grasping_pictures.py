"""Draws the README's picture of the worlds: ``python -m benchmarks.grasping_pictures``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from benchmarks.grasping_collecting import Job, job
from benchmarks.results_file import RESULTS_DIR
from operators.local import LocalRun
from tasks.grasping.config import CollectConfig
from tasks.grasping.manifests import ShardSet
from tasks.grasping.pictures import read_attempts, worlds_sheet
from tasks.grasping.stages.collect import collect_shards
from tasks.grasping.stages.plan import plan_collection

PICTURE = RESULTS_DIR / "grasping_worlds.jpg"
_WORLDS = ("bullet", "bullet-restyled", "surrogate")
_NUM_SCENES, _SIZE_PX, _VIEW_DEG = 3, 128, 30.0
_QUALITY = 88


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect a few scenes of each world and draw them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.grasping_pictures", description=__doc__
    )
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        worlds = {
            world: read_attempts(list(_shards(_job(world), Path(folder) / world)))
            for world in _WORLDS
        }
        picture = worlds_sheet(worlds, _NUM_SCENES)
    cv2.imwrite(str(PICTURE), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    print(PICTURE)
    return 0


def _job(world: str) -> Job:
    return job(
        0, _NUM_SCENES, world=world, size_px=_SIZE_PX, view_deg=_VIEW_DEG, attempts_per_scene=2
    )


def _shards(todo: Job, folder: Path) -> Iterator[Path]:
    run = LocalRun(folder, seed=todo.seed)
    (plan,) = run.run(plan_collection, config=todo.plan)
    found = run.read(run.run(collect_shards, plan, config=CollectConfig()), ShardSet)
    return (run.fetch(shard.file) for shard in found.shards)


if __name__ == "__main__":
    sys.exit(main())
