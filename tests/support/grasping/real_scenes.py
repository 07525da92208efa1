"""Scenes of the real worlds, as digests of their rows."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from tasks.core.config import config_json
from tasks.core.digests import file_digest
from tasks.core.records import FileRef
from tasks.core.seeds import rng
from tasks.grasping import scene_trials
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.config import CameraConfig, RandomiseConfig, SceneConfig, WorldConfig
from tasks.grasping.data.rows import rows_of
from tasks.grasping.data.shards import scene_id, write_rows
from tasks.grasping.looks.textures import generated_textures, save_textures
from tasks.grasping.scene_trials import SceneInputs, try_scene, workshop_of

WorldName = Literal["bullet", "bullet-restyled", "surrogate"]


def scene_digests(
    world: WorldName, indices: Sequence[int], *, num_attempts: int = 2, afresh: bool = False
) -> dict[int, str]:
    """Simulate scenes one after the other and digest what each one's file holds.

    Args:
        world: Which world.
        indices: Scenes, in the order in which they are simulated.
        num_attempts: Attempts in each.
        afresh: Whether to open the world anew for each scene.
    """
    digests = {}
    with tempfile.TemporaryDirectory() as name:
        settings = _settings(world, Path(name))
        for index in indices:
            if afresh:
                _close()
            write_rows(Path(name, "rows"), [_rows(settings, index, num_attempts)])
            digests[index] = hashlib.sha256(Path(name, "rows").read_bytes()).hexdigest()
        _close()
    return digests


def scene_rows(world: WorldName, index: int, *, num_attempts: int) -> pa.Table:
    """Simulate one scene in a world that was opened for it."""
    with tempfile.TemporaryDirectory() as name:
        rows = _rows(_settings(world, Path(name)), index, num_attempts)
        _close()
    return rows


def _rows(settings: SceneInputs, index: int, num_attempts: int) -> pa.Table:
    workshop = workshop_of(settings, lambda file: Path(file.uri.removeprefix("file://")))
    item_id = scene_id("train", settings.root_seed, index)
    generator = rng(settings.root_seed, "grasping.collect", item_id)
    done = try_scene(workshop, item_id, num_attempts, generator)
    return rows_of(workshop.origin, done.scene, done.objects, done.before, done.tried)


def _settings(world: WorldName, folder: Path) -> SceneInputs:
    """Everything that can be randomised is, small pictures, a mixture of policies."""
    path = folder / "textures.npz"
    save_textures(path, generated_textures(np.random.default_rng(1), 8))
    return SceneInputs(
        recipe=config_json(
            SceneConfig(
                world=WorldConfig(name=world, camera=CameraConfig(size_px=32, g_buffers=True)),
                randomise=RandomiseConfig(appearance=True, camera=True, dynamics=True),
            )
        ),
        mixture=config_json(Mixture(uniform=0.3, near_object=0.7)),
        textures=FileRef(
            uri=f"file://{path}", sha256=file_digest(path), num_bytes=path.stat().st_size
        ),
        objects=None,
        model=None,
        root_seed=0,
    )


def _close() -> None:
    for workshop in scene_trials._open.values():
        workshop.world.close()
    scene_trials._open.clear()
