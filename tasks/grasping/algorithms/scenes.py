"""Scenes: everything that decides one, drawn before any world sees it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.appearance import random_look, surrogate_look
from tasks.grasping.algorithms.cameras import STATIONS, simulation_camera, station_camera
from tasks.grasping.algorithms.dynamics import draw_dynamics
from tasks.grasping.algorithms.structured import structured_look
from tasks.grasping.config import SceneConfig
from tasks.grasping.types import Camera, Look, ObjectModel, PlacedObject, Scene
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M

DROP_AREA_M = (0.22, 0.22)
"""Objects are let go above this part of the bin: rather piled up than beside the bin."""
_CLEARANCE_M = 0.01


def draw_scene(
    scene_id: str,
    config: SceneConfig,
    models: Sequence[ObjectModel],
    num_textures: int,
    rng: np.random.Generator,
) -> Scene:
    """Draw a scene.

    Objects, poses, dynamics, camera, look and noise each have a generator of their own, spawned
    from `rng` in this order. So a switch changes what it switches and nothing else, and two
    worlds show the same objects let fall in the same way.

    Args:
        scene_id: Name of the scene; nothing is drawn from it.
        config: World, objects and randomisation.
        models: Objects to choose from: those of the settings' split are used.
        num_textures: Textures there are; a look names some of them by index.
        rng: Decides the scene; fresh, since spawning from it changes its state.

    Raises:
        ConfigError: No object is of the settings' split, or a range is empty.
    """
    objects_rng, poses_rng, dynamics_rng, camera_rng, look_rng, noise_rng = rng.spawn(6)
    chosen = _choose(config, models, objects_rng)
    station = int(camera_rng.integers(len(STATIONS)))
    camera, calibration = _cameras(config, station, camera_rng)
    return Scene(
        scene_id=scene_id,
        objects=_let_fall(chosen, poses_rng),
        dynamics=draw_dynamics(config.randomise, len(chosen), dynamics_rng),
        camera=camera,
        look=_look(config, station, chosen, num_textures, look_rng),
        noise_seed=int(noise_rng.integers(2**63)),
        calibration=calibration,
    )


def without_objects(scene: Scene, lost: Container[int]) -> Scene:
    """Return a scene without some of its objects, given by index; all else stays as it was."""
    kept = [index for index in range(len(scene.objects)) if index not in lost]
    dynamics = scene.dynamics
    return replace(
        scene,
        objects=tuple(scene.objects[index] for index in kept),
        dynamics=replace(
            dynamics,
            mass_scale=tuple(dynamics.mass_scale[index] for index in kept),
            friction=tuple(dynamics.friction[index] for index in kept),
            restitution=tuple(dynamics.restitution[index] for index in kept),
            damping=tuple(dynamics.damping[index] for index in kept),
        ),
        look=scene.look and replace(scene.look, objects=tuple(scene.look.objects[i] for i in kept)),
    )


def _choose(
    config: SceneConfig, models: Sequence[ObjectModel], rng: np.random.Generator
) -> list[ObjectModel]:
    """Choose objects, each at most once while there are enough of them."""
    split, num = config.objects.split, config.objects.num_per_scene
    usable = [model for model in models if model.split == split]
    if not usable:
        raise ConfigError(
            f"objects.split: none of {len(models)} objects of the family {config.objects.family!r} "
            f"is in {split!r}; choose another split or add objects"
        )
    picked = rng.choice(len(usable), size=num, replace=num > len(usable))
    return [usable[index] for index in picked]


def _let_fall(models: Sequence[ObjectModel], rng: np.random.Generator) -> tuple[PlacedObject, ...]:
    """Place objects above the bin, turned anyhow, each clear of those before it."""
    placed: list[PlacedObject] = []
    for model in models:
        x_m, y_m = np.array(BIN_CENTRE_M) + np.array(DROP_AREA_M) * rng.uniform(-0.5, 0.5, 2)
        z_m = BIN_FLOOR_M + model.reach_m + _CLEARANCE_M
        for other in placed:
            gap_m = model.reach_m + other.model.reach_m + _CLEARANCE_M
            across_m = np.hypot(x_m - other.position_m[0], y_m - other.position_m[1])
            if across_m < gap_m:
                z_m = max(z_m, other.position_m[2] + np.sqrt(gap_m**2 - across_m**2))
        turn = Rotation.random(rng=rng).as_quat().tolist()
        placed.append(
            PlacedObject(
                model=model,
                position_m=(float(x_m), float(y_m), float(z_m)),
                quaternion_xyzw=(turn[0], turn[1], turn[2], turn[3]),
            )
        )
    return tuple(placed)


def _cameras(
    config: SceneConfig, station: int, rng: np.random.Generator
) -> tuple[Camera, Camera | None]:
    if config.is_seen_by_surrogate:
        return station_camera(STATIONS[station], config.world.camera, config.randomise, rng)
    return simulation_camera(config.world.camera, config.randomise, rng), None


def _look(
    config: SceneConfig,
    station: int,
    models: Sequence[ObjectModel],
    num_textures: int,
    rng: np.random.Generator,
) -> Look | None:
    names = [model.object_id for model in models]
    if config.looks == "surrogate":
        return surrogate_look(station, names, num_textures, rng)
    if config.looks == "structured":
        return structured_look(station, names, num_textures, rng)
    return random_look(len(models), num_textures, rng) if config.looks == "randomise" else None
