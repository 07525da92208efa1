"""Whether fast settings change what comes of an attempt.

The same attempts run from bitwise the same settled scenes: as the pipeline runs them (*fast*),
so but always to the end (*complete*), to the end at 240 Hz with all 150 solver iterations and no
object ever held still (*reference*), and so with the commanded pose off by noise of 0.1 mm and 0.1
degrees (*jittered*), drawn from normal distributions for each axis. Agreement of the reference with
its jittered self is the ceiling: no settings can be told to be worse than what a tenth of a
millimetre changes. A fifth run turns each grasp by 90 degrees (*turned*): were the closing axis
irrelevant, it would agree. Successes with fingers wider apart than they open are counted in all.

Attempts come from the pipeline's own mixture of policies. Scenes run in chunks that are kept
under the digest of the code, so that an interrupted run goes on; intervals resample scenes.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.bootstrap import figure_of
from benchmarks.grasping.collecting import Collector, job
from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.results_file import Figure
from tasks.core import seeds
from tasks.grasping.algorithms.policies import draw_controller
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.scene_trials import SceneInputs, Workshop, workshop_of
from tasks.grasping.types import Attempt, FloatArray, GripperPose, ObjectState, Rendering
from tasks.grasping.workspace import OPENING_SLACK_M
from tasks.grasping.worlds.bullet.gripper import folded_rad
from tasks.grasping.worlds.bullet.world import BulletScene, BulletWorld
from tasks.grasping.worlds.interface import Controller

JITTER_M: Final = 1e-4
JITTER_RAD: Final = float(np.radians(0.1))
ATTEMPTS_PER_SCENE: Final = 12
SCENES_PER_CHUNK: Final = 6
FULL_SCENES, QUICK_SCENES = 112, 6  # per seed: 3 x 112 x 12 = 4,032 attempts
_PICTURE_PX = 16  # no outcome depends on a picture here
_STAGE = "grasping.collect"

FAST = PhysicsConfig()
COMPLETE = replace(FAST, early_stop=False)
REFERENCE = replace(COMPLETE, rate_hz=240, solver_iterations=150, solver_residual=1e-7)
SETTINGS: Final = {
    "fast": FAST,
    "complete": COMPLETE,
    "reference": REFERENCE,
    "jittered": REFERENCE,
    "turned": FAST,
}


@dataclass(frozen=True)
class Shifted:
    """A controller whose commands are off.

    Attributes:
        inner: What commands.
        offset: Added to x, y, z and yaw of every command.
    """

    inner: Controller
    offset: FloatArray

    @property
    def start(self) -> GripperPose:
        """Where the attempt starts."""
        return self.inner.start

    @property
    def num_steps(self) -> int:
        """Number of commands."""
        return self.inner.num_steps

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        """Return the command, off."""
        to, off = self.inner.next_pose(step, pose, seen), self.offset
        return GripperPose(
            to.x_m + float(off[0]),
            to.y_m + float(off[1]),
            to.z_m + float(off[2]),
            folded_rad(to.yaw_rad + float(off[3])),
        )


@dataclass(frozen=True)
class Chunk:
    """Some scenes of one seed.

    Attributes:
        seed: Root seed.
        first_scene: Index of the first.
        num_scenes: How many.
    """

    seed: int
    first_scene: int
    num_scenes: int


def measure(seed_numbers: Sequence[int], num_scenes: int, num_processes: int) -> dict[str, Figure]:
    """Run all attempts under all settings and compare their outcomes.

    Args:
        seed_numbers: Root seeds.
        num_scenes: Scenes of each.
        num_processes: Processes that share the scenes.
    """
    folder = FOLDER / "grasping" / f"agreement-{code_digest('grasping')}"
    chunks = [
        Chunk(seed, first, min(SCENES_PER_CHUNK, num_scenes - first))
        for seed in seed_numbers
        for first in range(0, num_scenes, SCENES_PER_CHUNK)
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_processes, mp_context=context) as pool:
        waiting = [pool.submit(run_chunk, chunk, str(folder)) for chunk in chunks]
        for number, done in enumerate(as_completed(waiting), start=1):
            done.result()
            if number % 10 == 0 or number == len(chunks):
                print(f"agreement: {number} of {len(chunks)} chunks", flush=True)
    found = np.concatenate([np.array(each.result(), np.float64) for each in waiting])
    num_pried = float(found[..., -1].sum())
    return figures_of(found[..., :-1]) | {
        "pried_successes": Figure(value=num_pried, unit="", interval=None)
    }


def figures_of(outcomes: FloatArray) -> dict[str, Figure]:
    """Compare outcomes.

    Args:
        outcomes: 1 for success, (scenes, attempts, settings), in the order of `SETTINGS`.
    """
    fast, complete, reference, jittered, turned = (outcomes[..., k] for k in range(len(SETTINGS)))
    columns = np.stack(
        [
            np.ones_like(fast),
            fast == reference,
            jittered == reference,
            complete == fast,
            turned == fast,
            fast,
            complete,
            reference,
        ],
        axis=-1,
    ).sum(axis=1)
    count, agree, ceiling, kept, alike, won, won_complete, won_reference = range(columns.shape[-1])

    def mean(column: int, less: int | None = None) -> Figure:
        return figure_of(
            columns,
            lambda s: (s[..., column] - (0 if less is None else s[..., less])) / s[..., count],
        )

    return {
        "outcome_agreement": mean(agree),
        "agreement_ceiling": mean(ceiling),
        "agreement_gap": mean(ceiling, less=agree),
        "success_difference": mean(won, less=won_reference),
        "success_fast": mean(won),
        "success_reference": mean(won_reference),
        "early_stop_agreement": mean(kept),
        "early_stop_success_difference": mean(won, less=won_complete),
        "closing_axis_agreement": mean(alike),
        "agreement_attempts": Figure(value=float(fast.size), unit="", interval=None),
    }


def run_chunk(chunk: Chunk, folder: str) -> list[list[list[int]]]:
    """Run a chunk, unless it is kept; what `run_scene` returns of each scene."""
    path = Path(folder) / f"{chunk.seed}-{chunk.first_scene:05d}-{chunk.num_scenes}.json"
    scenes = range(chunk.first_scene, chunk.first_scene + chunk.num_scenes)
    found: list[list[list[int]]] = kept(
        path, lambda: [run_scene(chunk.seed, index) for index in scenes]
    )
    return found


def run_scene(seed: int, index: int) -> list[list[int]]:
    """Run the attempts of a scene under all settings.

    Returns:
        For each attempt its success under each setting, and in how many it was a pried one.

    Raises:
        RuntimeError: The scene settled differently under two settings.
    """
    workshop = _workshop(seed)
    columns, settled = [], None
    for name, physics in SETTINGS.items():
        objects, tried = _attempts(workshop, physics, seed, index, _offsets(name, seed, index))
        if settled not in (None, objects):
            raise RuntimeError(f"scene {index} of seed {seed} settled differently under {name}")
        settled = objects
        columns.append(tried)
    rows = zip(*columns, strict=True)
    return [[*(each.is_success for each in row), sum(map(is_pried, row))] for row in rows]


def is_pried(attempt: Attempt, opening_m: float = FAST.opening_m) -> bool:
    """Whether a success has fingers wider apart than they open."""
    return attempt.is_success and attempt.finger_gap_m > opening_m + OPENING_SLACK_M


def _offsets(name: str, seed: int, index: int) -> FloatArray:
    """What is added to the commands of each attempt under a setting, (attempts, 4)."""
    offsets = np.zeros((ATTEMPTS_PER_SCENE, 4))
    if name == "jittered":
        rng = seeds.rng(seed, "benchmark.jitter", str(index))
        offsets = rng.normal(0.0, [JITTER_M, JITTER_M, JITTER_M, JITTER_RAD], offsets.shape)
    elif name == "turned":
        offsets[:, 3] = np.pi / 2
    return offsets


def _attempts(
    workshop: Workshop, physics: PhysicsConfig, seed: int, index: int, offsets: FloatArray
) -> tuple[tuple[ObjectState, ...], list[Attempt]]:
    """Where a scene's objects came to rest, and its attempts."""
    world = workshop.world
    if not isinstance(world, BulletWorld):
        raise TypeError(f"expected the bullet world, got {world!r}")
    scene_id = f"agreement-{seed}-{index:05d}"
    scene_rng, *attempt_rngs = seeds.rng(seed, _STAGE, scene_id).spawn(1 + ATTEMPTS_PER_SCENE)
    scene = draw_scene(scene_id, workshop.config, workshop.models, workshop.num_textures, scene_rng)
    opened = world.open(scene, physics)
    if physics == REFERENCE:
        hold_nothing(opened)
    tried = []
    for rng, offset in zip(attempt_rngs, offsets, strict=True):
        controller, _ = draw_controller(workshop.mixture, physics, opened.objects, rng)
        if offset.any():
            controller = Shifted(controller, offset)
        tried.append(opened.attempt(controller))
    return opened.objects, tried


def hold_nothing(scene: BulletScene) -> None:
    """Let all objects of a scene move from the start of each attempt."""
    scene._still.hold = lambda: None  # type: ignore[method-assign]


@cache
def _workshop(seed: int) -> Workshop:
    """The workshop of this process, with pictures as small as may be."""
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        plan = Collector(job(seed, 1, size_px=_PICTURE_PX), Path(folder)).plan
        return workshop_of(SceneInputs.of(plan, seed), lambda file: Path(folder) / file.uri)
