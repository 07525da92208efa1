"""The same scenes in every look, painted over what the camera of `bullet` measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tasks.grasping.algorithms.appearance import random_look, surrogate_look
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.algorithms.structured import (
    cut_look,
    random_structured_look,
    structured_look,
)
from tasks.grasping.config import CameraConfig, SceneConfig, WorldConfig
from tasks.grasping.looks.cuttings import cut_textures, true_repeat_m
from tasks.grasping.looks.repaint import repaint
from tasks.grasping.looks.structured import structured_textures
from tasks.grasping.looks.textures import Textures, generated_textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.types import ByteImage, Look, Rendering
from tasks.grasping.worlds.bullet.world import BulletWorld
from tasks.report.sheet import Row, Tile, sheet

_NUM_SCENES: Final = 6
_NUM_STATIONS: Final = 3
_NUM_TARGETS: Final = 12  # scenes of the target that textures are cut from
_TILE_PX: Final = 132

Draw = Callable[[int, list[str], np.random.Generator], tuple[Look, Textures]]


def looks_sheet() -> ByteImage:
    """Draw scenes side by side and looks below each other; stations take turns."""
    rows = painted_rows(_NUM_SCENES, _NUM_TARGETS)
    return sheet(
        [Row(tuple(map(Tile, pictures)), name) for name, pictures in rows.items()],
        "The same scenes in every look",
        "Cuttings come from the structured look of other scenes at the same station.",
        heads=[f"station {scene % _NUM_STATIONS}" for scene in range(_NUM_SCENES)],
        tile_px=_TILE_PX,
    )


def painted_rows(num_scenes: int, num_targets: int) -> dict[str, list[ByteImage]]:
    """Paint scenes in every look.

    Args:
        num_scenes: How many are painted.
        num_targets: Others, painted in the structured look, that textures are cut from; at least
            one of each station.
    """
    scenes = _scenes(num_scenes + num_targets)
    shown, others = scenes[:num_scenes], scenes[num_scenes:]
    usual, textures = generated_textures(_rng(0, 0), 200), structured_textures()

    def structured(scene: int, ids: list[str], rng: np.random.Generator) -> tuple[Look, Textures]:
        return structured_look(scene % _NUM_STATIONS, ids, textures.num, rng), textures

    target = _painted(others, structured)
    cuttings = [
        cut_textures(target[station::_NUM_STATIONS], _rng(station, 1))
        for station in range(_NUM_STATIONS)
    ]
    repeat_m = true_repeat_m(shown[0][0].camera)
    looks: Mapping[str, Draw] = {
        "restyled": lambda scene, ids, rng: (
            surrogate_look(scene % _NUM_STATIONS, ids, usual.num, rng),
            usual,
        ),
        "structured": structured,
        "randomised": lambda _, ids, rng: (random_look(len(ids), usual.num, rng), usual),
        "randomised,\nstructured": lambda _, ids, rng: (
            random_structured_look(len(ids), textures.num, rng),
            textures,
        ),
        "randomised,\nof cuttings": lambda scene, ids, rng: (
            cut_look(len(ids), cuttings[scene % _NUM_STATIONS].num, repeat_m, rng),
            cuttings[scene % _NUM_STATIONS],
        ),
    }
    plain = {"plain": [seen.rgb for seen, _ in shown]}
    return plain | {name: _painted(shown, draw) for name, draw in looks.items()}


def _scenes(num: int) -> list[tuple[Rendering, list[str]]]:
    """Scenes of `bullet` as its camera measures them, and the ids of their objects."""
    camera = CameraConfig(size_px=128, view_deg=24, g_buffers=True)
    config = SceneConfig(world=WorldConfig(camera=camera))
    world = BulletWorld(config.world, Textures(np.zeros((0, 1, 1, 3), np.uint8)))
    found = []
    for number in range(num):
        scene = draw_scene(f"look-{number}", config, catalogue("procedural"), 0, _rng(number, 2))
        ids = [placed.model.object_id for placed in scene.objects]
        found.append((world.open(scene).look(), ids))
    world.close()
    return found


def _painted(scenes: list[tuple[Rendering, list[str]]], draw: Draw) -> list[ByteImage]:
    pictures = []
    for number, (seen, ids) in enumerate(scenes):
        look, textures = draw(number, ids, _rng(number, 3))
        pictures.append(repaint(seen, look, textures, _rng(number, 4)).rgb)
    return pictures


def _rng(number: int, what: int) -> np.random.Generator:
    return np.random.default_rng([number, what, 30])
