"""Draws the READMEs' pictures of grasping: ``python -m benchmarks.grasping.pictures``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.grasping.collecting import Job, job
from benchmarks.grasping.looks_picture import looks_sheet
from benchmarks.results_file import RESULTS_DIR
from operators.stage.local import LocalRun
from tasks.grasping.algorithms.policies import Mixture, draw_controller
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.config import (
    CameraConfig,
    CollectConfig,
    PhysicsConfig,
    SceneConfig,
    WorldConfig,
)
from tasks.grasping.looks.textures import Textures
from tasks.grasping.manifests import ShardSet
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.pictures.film import Film, animation, film_strips, filmed
from tasks.grasping.pictures.sheets import read_attempts, worlds_sheet
from tasks.grasping.stages.collect import collect_shards
from tasks.grasping.stages.plan import plan_collection
from tasks.grasping.worlds.bullet.world import BulletWorld

FILM, STRIPS = RESULTS_DIR / "grasping_attempts.gif", RESULTS_DIR / "grasping_attempts.jpg"
PICTURE, LOOKS = RESULTS_DIR / "grasping_worlds.jpg", RESULTS_DIR / "grasping_looks.jpg"
_WORLDS = ("bullet", "bullet-restyled", "surrogate")
_NUM_SCENES, _SIZE_PX, _VIEW_DEG = 3, 128, 30.0
_QUALITY = 88
_FILM_PX = 200
_FILMED = PhysicsConfig(servo="closed_loop", early_stop=False)
_NUM_TRIES = 60  # attempts among which a success and a failure must be


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a few scenes of each world and in each look, and film two attempts."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.grasping.pictures", description=__doc__
    )
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        worlds = {
            world: read_attempts(list(_shards(_job(world), Path(folder) / world)))
            for world in _WORLDS
        }
        picture = worlds_sheet(worlds, _NUM_SCENES)
    pair = films()
    FILM.write_bytes(animation(pair))
    for path, drawn in ((PICTURE, picture), (LOOKS, looks_sheet()), (STRIPS, film_strips(pair))):
        cv2.imwrite(str(path), drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    print(PICTURE, LOOKS, FILM, STRIPS, sep="\n")
    return 0


def films(size_px: int = _FILM_PX) -> list[Film]:
    """Film the first attempt of a scene that succeeds and the first that fails, in this order.

    Raises:
        RuntimeError: All attempts ended alike.
    """
    camera = CameraConfig(size_px=size_px, view_deg=_VIEW_DEG)
    recipe = SceneConfig(world=WorldConfig(physics=_FILMED, camera=camera))
    world = BulletWorld(recipe.world, Textures(np.zeros((0, 1, 1, 3), np.uint8)))
    rng = np.random.default_rng(0)
    scene = world.open(draw_scene("film", recipe, catalogue("procedural"), 0, rng))
    found: dict[bool, Film] = {}
    for _ in range(_NUM_TRIES):
        mixture = Mixture(uniform=0.0, near_object=1.0)
        controller, _ = draw_controller(mixture, _FILMED, scene.objects, rng)
        is_success = scene.attempt(controller).is_success
        if is_success not in found:
            found[is_success] = filmed(scene, controller)
        if len(found) > 1:
            world.close()
            return [found[True], found[False]]
    raise RuntimeError(f"expected a success and a failure among {_NUM_TRIES} attempts")


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
