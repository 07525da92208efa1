"""A sheet of the objects, each as it comes to rest alone in the bin, seen from near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.algorithms.cameras import look_at
from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.types import ByteImage, Camera, ObjectModel, PlacedObject, Scene
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tasks.grasping.worlds.interface import World
from tasks.report.sheet import Tile, in_rows, sheet

_FALL_M = 0.10  # above the floor
_EYE_M: Final = np.array([-0.30, -0.38, 0.42])  # from the object
_VIEW_M = 0.15  # what the picture's side shows
_TILE_PX = 104
_PER_ROW = 12


def objects_sheet(
    world: World, models: Sequence[ObjectModel], title: str, count: int = 96
) -> ByteImage:
    """Show objects at one scale, evenly chosen from all.

    Args:
        world: Simulates and draws them; `bullet`.
        models: All objects.
        title: Heading of the sheet.
        count: How many to show.

    Returns:
        The sheet, (h, w, 3), RGB.
    """
    chosen = [models[i * len(models) // count] for i in range(count)] if models else []
    chosen = list(dict.fromkeys(chosen))
    tiles = list(_tiles(world, chosen))
    note = f"{len(tiles)} of {len(models)} objects, each picture {_VIEW_M * 100:.0f} cm wide."
    return sheet(in_rows(tiles, _PER_ROW), title, note, tile_px=_TILE_PX)


def _tiles(world: World, models: Sequence[ObjectModel]) -> Iterator[Tile]:
    for model in models:
        try:
            picture = object_picture(world, model)
        except DataError:
            continue  # an object that can't be loaded is named where data are collected
        yield Tile(picture, model.object_id.rpartition("/")[2])


def object_picture(world: World, model: ObjectModel, size_px: int = 2 * _TILE_PX) -> ByteImage:
    """Picture of one object at rest, (size, size, 3), RGB.

    Args:
        world: Simulates and draws it.
        model: The object.
        size_px: Side of the picture.

    Raises:
        DataError: The object can't be loaded.
    """
    aim_m = np.array([*BIN_CENTRE_M, BIN_FLOOR_M + 0.03])
    scene = Scene(
        scene_id=model.object_id,
        objects=(
            PlacedObject(model, (*BIN_CENTRE_M, BIN_FLOOR_M + _FALL_M), (0.0, 0.0, 0.0, 1.0)),
        ),
        dynamics=nominal_dynamics(1),
        camera=_camera(aim_m, size_px),
        look=None,
        noise_seed=0,
    )
    (state,) = world.open(scene).objects
    # The scene is simulated again, alike, with the camera where the object came to rest.
    return world.open(replace(scene, camera=_camera(np.array(state.centre_m), size_px))).look().rgb


def _camera(aim_m: np.ndarray, size_px: int) -> Camera:
    focal_px = size_px * float(np.linalg.norm(_EYE_M)) / _VIEW_M
    centre_px = (size_px - 1) / 2
    pose = look_at(aim_m + _EYE_M, aim_m)
    return Camera(size_px, size_px, focal_px, focal_px, centre_px, centre_px, pose)
