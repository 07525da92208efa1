"""Trying grasps in one scene: what `plan` does for its pilot and `collect` for the data.

All draws of a scene come from its own generator, and those of an attempt from the attempt's:
a scene is the same wherever and after whatever it is simulated, and more attempts in a scene
leave the first ones as they are.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass as settings_dataclass

from tasks.core.config import SETTINGS
from tasks.core.digests import digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.params import parse_config
from tasks.core.records import FileRef
from tasks.grasping.algorithms.policies import Mixture, draw_controller
from tasks.grasping.algorithms.scenes import draw_scene, without_objects
from tasks.grasping.config import SceneConfig
from tasks.grasping.data.rows import Origin, TriedGrasp
from tasks.grasping.looks.textures import Textures, load_textures
from tasks.grasping.manifests import GraspPlan
from tasks.grasping.objects.archive import unpack
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.types import ObjectModel, ObjectState, Rendering, Scene
from tasks.grasping.worlds.interface import OpenScene, World
from tasks.grasping.worlds.registry import open_world

_LIBRARIES = {
    "bullet": ("pybullet",),
    "bullet-restyled": ("pybullet",),
    "bullet-structured": ("pybullet",),
    "surrogate": ("mujoco",),
}
_ALWAYS = ("numpy", "opencv-python-headless")

_LOG = logging.getLogger(__name__)


@settings_dataclass(frozen=True, config=SETTINGS)
class SceneInputs:
    """All that the scenes of a data set have in common; what an item of `collect` receives.

    Attributes:
        recipe: `SceneConfig` as JSON values.
        mixture: `Mixture` as JSON values.
        textures: Textures that looks are painted with.
        objects: The user's object models.
        model: The model that the policy asks.
        root_seed: Root of all random draws.
    """

    recipe: dict[str, Any]
    mixture: dict[str, Any]
    textures: FileRef | None
    objects: FileRef | None
    model: FileRef | None
    root_seed: int

    @classmethod
    def of(cls, plan: GraspPlan, root_seed: int) -> SceneInputs:
        """Take from a plan what decides a scene."""
        return cls(
            recipe=plan.recipe,
            mixture=plan.mixture,
            textures=plan.textures,
            objects=plan.objects,
            model=plan.model,
            root_seed=root_seed,
        )

    @property
    def recipe_digest(self) -> str:
        """Digest of all settings that decide the rows, but for the seed; 64 digits."""
        files = (self.textures, self.objects, self.model)
        return digest([self.recipe, self.mixture, [file and file.sha256 for file in files]])


@dataclass(frozen=True)
class Workshop:
    """What is dear to open, and is kept from scene to scene.

    Attributes:
        config: What scenes are drawn from.
        mixture: How grasps are chosen.
        world: Simulates them.
        models: Objects that a scene may show.
        num_textures: Textures that a look may use.
        policy_model: The model that the policy asks; None without one.
        origin: What all rows have in common.
    """

    config: SceneConfig
    mixture: Mixture
    world: World
    models: tuple[ObjectModel, ...]
    num_textures: int
    policy_model: Any
    origin: Origin


@dataclass(frozen=True)
class TriedScene:
    """A scene and what was tried in it.

    Attributes:
        scene: As it was drawn, but for objects that didn't stay in the bin.
        objects: Where its objects came to rest.
        before: Picture without the arm.
        tried: The attempts in order.
        num_lost: Objects that didn't stay in the bin.
    """

    scene: Scene
    objects: tuple[ObjectState, ...]
    before: Rendering
    tried: tuple[TriedGrasp, ...]
    num_lost: int


def try_scene(
    workshop: Workshop, scene_id: str, num_attempts: int, rng: np.random.Generator
) -> TriedScene:
    """Draw a scene, let it come to rest and try grasps in it.

    Args:
        workshop: What simulates it.
        scene_id: The scene's id.
        num_attempts: Grasps to try.
        rng: The scene's own generator.

    Raises:
        DataError: The scene can't be simulated, or none of its objects stays in the bin; the
            message says what is at fault.
    """
    scene_rng, *attempt_rngs = rng.spawn(1 + num_attempts)
    drawn = draw_scene(scene_id, workshop.config, workshop.models, workshop.num_textures, scene_rng)
    scene, opened = _settled(workshop, drawn)
    before, objects = opened.look(), opened.objects
    tried = []
    for attempt_rng in attempt_rngs:
        controller, policy = draw_controller(
            workshop.mixture,
            workshop.config.world.physics,
            objects,
            attempt_rng,
            workshop.policy_model,
            before.rgb,
            scene.calibration or scene.camera,
        )
        tried.append(TriedGrasp(opened.attempt(controller), policy))
    num_lost = len(drawn.objects) - len(scene.objects)
    return TriedScene(scene, objects, before, tuple(tried), num_lost)


def _settled(workshop: Workshop, scene: Scene) -> tuple[Scene, OpenScene]:
    """Open a scene, without the objects that roll, bounce or fall out of the bin.

    Raises:
        DataError: None stays; the message names them.
    """
    names = [placed.model.object_id for placed in scene.objects]
    while scene.objects:
        opened = workshop.world.open(scene)
        lost = [i for i, state in enumerate(opened.objects) if not state.is_in_bin]
        if not lost:
            return scene, opened
        gone = ", ".join(scene.objects[i].model.object_id for i in lost)
        _LOG.warning("%s: left out, as it lay outside of the bin: %s", scene.scene_id, gone)
        scene = without_objects(scene, lost)
    raise DataError(
        f"{scene.scene_id}: expected objects that come to rest in the bin, none of "
        f"{', '.join(names)} does. They may be too large for it, roll away, or have a mesh that "
        "falls through its floor"
    )


_open: dict[str, Workshop] = {}


def workshop_of(settings: SceneInputs, fetch: Callable[[FileRef], Path]) -> Workshop:
    """Return the workshop of this process; another one that was open is closed.

    Args:
        settings: What the scenes have in common.
        fetch: Returns the local path of a file.

    Raises:
        ResourceError: The world's engine or renderer can't start.
    """
    key = f"{settings.recipe_digest} {settings.root_seed}"
    if key not in _open:
        for workshop in _open.values():
            workshop.world.close()
        _open.clear()
        _open[key] = _open_workshop(settings, fetch)
    return _open[key]


def _open_workshop(settings: SceneInputs, fetch: Callable[[FileRef], Path]) -> Workshop:
    config = parse_config(SceneConfig, settings.recipe)
    textures = Textures(np.zeros((0, 1, 1, 3), np.uint8))
    if settings.textures is not None:
        textures = load_textures(fetch(settings.textures))
    folder = None if settings.objects is None else unpack(fetch(settings.objects))
    policy_model = None
    if settings.model is not None:
        from tasks.grasping.policy_model import load_model

        policy_model = load_model(fetch(settings.model))
    return Workshop(
        config=config,
        mixture=parse_config(Mixture, settings.mixture),
        world=open_world(config.world, textures),
        models=_models(config, folder),
        num_textures=textures.num,
        policy_model=policy_model,
        origin=origin_of(settings, config),
    )


def origin_of(settings: SceneInputs, config: SceneConfig) -> Origin:
    """What all rows have in common."""
    return Origin(
        world=config.world.name,
        recipe_digest=settings.recipe_digest,
        root_seed=settings.root_seed,
        split=config.objects.split,
        object_family=config.objects.family,
        versions=_versions(config.world.name),
        has_g_buffers=config.world.camera.g_buffers,
    )


def _models(config: SceneConfig, folder: Path | None) -> tuple[ObjectModel, ...]:
    """Objects that scenes may show.

    Raises:
        ConfigError: There is none, as happens with few objects.
    """
    models = catalogue(config.objects.family, folder)
    found = tuple(model for model in models if model.split == config.objects.split)
    if not found:
        raise ConfigError(
            f"none of the {len(models)} objects falls into the split {config.objects.split!r}: "
            "choose another objects.split or add objects"
        )
    return found


@cache
def _versions(world: str) -> dict[str, str]:
    names = (*_ALWAYS, *_LIBRARIES.get(world, ()))
    versions = {name: importlib.metadata.version(name) for name in names}
    if world == "surrogate":
        from tasks.grasping.worlds.surrogate.engine import renderer_version

        versions["renderer"] = renderer_version()
    return versions
