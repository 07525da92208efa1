"""What makes attempts in `bullet` cheaper, or would, and what each costs in agreement.

The same attempts run from the same scenes as `plain`, the pipeline's settings, and under each
lever (`short_cuts` beside this). Without what the pipeline does: objects *unheld*, motions
*to_the_end*, a *residual_1e5* of the solver. With more of it: a *residual_1e3*, *iterations_75* at
most, steps twice as long on the *way_120hz*, while *closing_120hz* or in the *lift_120hz*, objects
set free when they are *touched* and no earlier. And other attempts: *mujoco* in PyBullet's place,
*hulls* of at most 16 vertices, an attempt that *force_ends*, or whose way down *force_closes*.

- ``lever_…_rate``: attempts per CPU second over those of ``plain``, scene by scene in turn, opening
  the scene and pictures of 64 px included.
- ``lever_…_agreement``: share with the outcome of the reference of `benchmarks.grasping.agreement`;
  ``lever_ceiling``: of the reference with itself, jittered.
- ``lever_…_own_agreement``: where a lever makes another attempt of it (other shapes, another
  motion): share with the outcome of the reference that does the same.
- ``lever_…_success_difference``: success less that of ``plain``.

Scenes are kept under the digest of the code, so that an interrupted run goes on.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.bootstrap import figure_of
from benchmarks.grasping.agreement import (
    ATTEMPTS_PER_SCENE,
    COMPLETE,
    FAST,
    JITTER_M,
    JITTER_RAD,
    REFERENCE,
    Shifted,
    hold_nothing,
)
from benchmarks.grasping.collecting import Collector, job
from benchmarks.grasping.levers.short_cuts import (
    ClosedByForce,
    EndedByForce,
    Lever,
    free_when_touched,
    halved,
    opened,
)
from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.results_file import Figure
from tasks.core import seeds
from tasks.grasping.algorithms.policies import draw_controller
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.scene_trials import SceneInputs, Workshop, workshop_of
from tasks.grasping.types import FloatArray, Scene
from tasks.grasping.worlds.bullet.world import BulletWorld

FULL_SCENES, QUICK_SCENES = 18, 2  # per seed: 3 x 18 x 12 = 648 attempts
LEVERS: Final = {
    "plain": Lever(),
    "unheld": Lever(prepare=hold_nothing),
    "to_the_end": Lever(physics=COMPLETE),
    "residual_1e5": Lever(physics=replace(FAST, solver_residual=1e-5)),
    "residual_1e3": Lever(physics=replace(FAST, solver_residual=1e-3)),
    "iterations_75": Lever(physics=replace(FAST, solver_iterations=75)),
    "way_120hz": Lever(halved("_go")),
    "closing_120hz": Lever(halved("_close")),
    "lift_120hz": Lever(halved("_lift")),
    "touched": Lever(prepare=free_when_touched),
    "mujoco": Lever(is_mujoco=True),
    "hulls": Lever(has_small_hulls=True),
    "force_ends": Lever(EndedByForce),
    "force_closes": Lever(ClosedByForce),
}
REFERENCES: Final = {
    name: replace(LEVERS[name], physics=REFERENCE, prepare=hold_nothing)
    for name in ("plain", "hulls", "force_ends", "force_closes")
}
JITTERED: Final = "jittered"

Tried = tuple[list[bool], float]  # successes, and CPU seconds


def measure(seed_numbers: Sequence[int], num_scenes: int, num_processes: int) -> dict[str, Figure]:
    """Try all levers.

    Args:
        seed_numbers: Root seeds.
        num_scenes: Scenes of each.
        num_processes: Processes that share the scenes.
    """
    folder = FOLDER / "grasping" / f"levers-{code_digest('grasping')}"
    places = [(seed, index) for seed in seed_numbers for index in range(num_scenes)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_processes, mp_context=context) as pool:
        waiting = [pool.submit(kept_scene, *place, str(folder)) for place in places]
        return figures_of([each.result() for each in waiting])


def figures_of(scenes: Sequence[Mapping[str, Tried]]) -> dict[str, Figure]:
    """Compare outcomes and times.

    Args:
        scenes: What `run_scene` returned of each scene.
    """

    def successes(name: str) -> FloatArray:
        return np.array([scene[name][0] for scene in scenes], np.float64)

    def share(values: FloatArray) -> Figure:
        counts = np.full(len(values), values.shape[1])
        columns = np.stack([values.sum(axis=1), counts], axis=-1)
        return figure_of(columns, lambda s: s[..., 0] / s[..., 1])

    def rate(name: str) -> Figure:
        columns = np.array([[scene["plain"][1], scene[name][1]] for scene in scenes])
        return figure_of(columns, lambda s: s[..., 0] / s[..., 1])

    plain, reference = successes("plain"), successes(_reference("plain"))
    figures = {"lever_ceiling": share(successes(JITTERED) == reference)}
    for name in LEVERS:
        found = successes(name)
        figures[f"lever_{name}_rate"] = rate(name)
        figures[f"lever_{name}_agreement"] = share(found == reference)
        own = _reference(name)
        if name in REFERENCES and name != "plain":
            figures[f"lever_{name}_own_agreement"] = share(found == successes(own))
        figures[f"lever_{name}_success_difference"] = share(found - plain)
    del figures["lever_plain_rate"], figures["lever_plain_success_difference"]
    return figures


def kept_scene(seed: int, index: int, folder: str) -> dict[str, Tried]:
    """Run a scene, unless it is kept; what `run_scene` returns."""
    path = Path(folder) / f"{seed}-{index:05d}.json"
    found: dict[str, Tried] = kept(path, lambda: run_scene(seed, index))
    return found


def run_scene(seed: int, index: int) -> dict[str, Tried]:
    """Run the attempts of a scene under all levers and their references."""
    workshop = _workshop(seed)
    scene_id = f"levers-{seed}-{index:05d}"
    scene_rng = seeds.rng(seed, "benchmark.levers", scene_id)
    scene = draw_scene(scene_id, workshop.config, workshop.models, workshop.num_textures, scene_rng)
    still = np.zeros((ATTEMPTS_PER_SCENE, 4))
    noise = [JITTER_M, JITTER_M, JITTER_M, JITTER_RAD]
    offsets = seeds.rng(seed, "benchmark.jitter", scene_id).normal(0.0, noise, still.shape)
    found = {name: _try(workshop, lever, scene, still) for name, lever in LEVERS.items()}
    for name, lever in REFERENCES.items():
        found[_reference(name)] = _try(workshop, lever, scene, still)
    return found | {JITTERED: _try(workshop, REFERENCES["plain"], scene, offsets)}


def _reference(name: str) -> str:
    return f"{name}, reference"


def _try(workshop: Workshop, lever: Lever, scene: Scene, offsets: Iterable[FloatArray]) -> Tried:
    world = workshop.world
    if not isinstance(world, BulletWorld):
        raise TypeError(f"expected the bullet world, got {world!r}")
    places = world.open(scene).objects  # grasps are the same, whatever the lever
    rngs = seeds.rng(0, "benchmark.grasps", scene.scene_id).spawn(ATTEMPTS_PER_SCENE)
    drawn = [draw_controller(workshop.mixture, FAST, places, rng)[0] for rng in rngs]
    tried, spent_s = opened(lever, world, scene)
    begun_s = time.process_time()
    tried.look()
    outcomes = [
        tried.attempt(Shifted(controller, offset) if offset.any() else controller).is_success
        for controller, offset in zip(drawn, offsets, strict=True)
    ]
    return outcomes, spent_s + time.process_time() - begun_s


@cache
def _workshop(seed: int) -> Workshop:
    """The workshop of this process, and MuJoCo loaded."""
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        plan = Collector(job(seed, 1), Path(folder)).plan
        workshop = workshop_of(SceneInputs.of(plan, seed), lambda file: Path(folder) / file.uri)
    rng = seeds.rng(seed, "benchmark.levers", "warm")
    scene = draw_scene("warm", workshop.config, workshop.models, 0, rng)
    _try(workshop, LEVERS["mujoco"], scene, np.zeros((ATTEMPTS_PER_SCENE, 4)))
    return workshop
