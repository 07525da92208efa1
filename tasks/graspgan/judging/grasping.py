"""Closed loop: a predictor chooses grasps in the target's world, and they are tried.

Scenes and draws are the same for all methods, so that their outcomes are paired by scene; they
are those of `collect_grasps`, whose policy asks the exported program. Scenes are dealt out over the
trainings of a method, so that as many grasps tell how much trainings differ, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, config_json
from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef
from tasks.core.seeds import digest64
from tasks.graspgan.judging.manifests import GraspOutcome, GraspTask
from tasks.graspgan.trainings.manifests import TrainedPredictor
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.data.projection import project
from tasks.grasping.scene_trials import SceneInputs, TriedScene, try_scene, workshop_of
from tasks.grasping.types import ByteImage
from tasks.report.sheet import BAD, GOOD

_FILM: Final = "film.png"
_NUM_SHOWN, _SHOWN_PX, _FRAME_PX = 4, 160, 4


@dataclass(frozen=True, config=SETTINGS)
class Arena:
    """Where grasps are tried.

    Attributes:
        recipe: `tasks.grasping.config.SceneConfig` of the target's world as JSON values.
        textures: What its looks are painted with.
        root_seed: Decides scenes.
        num_candidates: Commands that are scored in each round of the search.
    """

    recipe: dict[str, Any]
    textures: FileRef | None
    root_seed: int
    num_candidates: int

    def inputs(self, program: FileRef) -> SceneInputs:
        """What scenes have in common where a program chooses all grasps."""
        mixture = Mixture(uniform=0.0, model=1.0, model_candidates=self.num_candidates)
        return SceneInputs(
            recipe=self.recipe,
            mixture=config_json(mixture),
            textures=self.textures,
            objects=None,
            model=program,
            root_seed=self.root_seed,
        )


def grasp_tasks(
    predictors: Sequence[TrainedPredictor],
    programs: Mapping[str, FileRef],
    seed_of: Mapping[str, int],
    everywhere: str,
    num_grasps: int,
) -> list[GraspTask]:
    """Which predictor grasps in which scene; those of one predictor follow each other.

    Args:
        predictors: Trainings of all methods, of the same seeds each.
        programs: They as programs, by item id.
        seed_of: By scene, whose turn it is.
        everywhere: Item id of a predictor that grasps in all scenes.
        num_grasps: Grasps of a scene.
    """
    return [
        GraspTask(
            item_id=f"{each.item_id}-{scene}",
            scene_id=scene,
            method=each.method,
            target=each.target,
            program=programs[each.item_id],
            num_grasps=num_grasps,
            seed=each.seed,
        )
        for each in predictors
        for scene, seed in seed_of.items()
        if each.seed == seed or each.item_id == everywhere
    ]


def grasp_in_scene(item: GraspTask, arena: Arena, folder: ItemFolder) -> GraspOutcome:
    """Let a predictor grasp in one scene.

    Raises:
        DataError: The scene can't be simulated.
    """
    workshop = workshop_of(arena.inputs(item.program), folder.fetch)
    rng = np.random.default_rng([arena.root_seed, digest64(item.scene_id)])
    done = try_scene(workshop, item.scene_id, item.num_grasps, rng)
    return GraspOutcome(
        item_id=item.item_id,
        scene_id=item.scene_id,
        seed=item.seed,
        successes=tuple(each.attempt.is_success for each in done.tried),
        film=folder.add_picture(_FILM, filmstrip(done)),
    )


def filmstrip(done: TriedScene) -> ByteImage:
    """The first grasps of a scene side by side: where the fingers closed, green where it held.

    Returns:
        (h, w, 3), uint8.
    """
    return np.hstack([_shown(done, index) for index in range(min(_NUM_SHOWN, len(done.tried)))])


def _shown(done: TriedScene, index: int) -> ByteImage:
    attempt = done.tried[index].attempt
    step = attempt.steps[-1]
    camera, target = step.rendering.camera, step.target
    half_m = 0.03 * np.array([np.cos(target.yaw_rad), np.sin(target.yaw_rad), 0.0])
    middle_m = np.array([target.x_m, target.y_m, target.z_m])
    ends_px, _ = project(np.stack([middle_m - half_m, middle_m + half_m]), camera)
    scale = _SHOWN_PX / camera.width_px
    picture = cv2.resize(done.before.rgb, (_SHOWN_PX, _SHOWN_PX), interpolation=cv2.INTER_AREA)
    colour = GOOD if attempt.is_success else BAD
    first, last = (tuple(np.rint(end * scale).astype(int).tolist()) for end in ends_px)
    cv2.line(picture, first, last, colour, 2, cv2.LINE_AA)
    cv2.rectangle(picture, (0, 0), (_SHOWN_PX - 1,) * 2, colour, _FRAME_PX)
    return np.asarray(picture, np.uint8)
