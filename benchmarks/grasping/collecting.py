"""Collects grasps as the pipeline does, in this process: the stages themselves, no service.

What is dear to open (engine, robot, renderer) stays open between the rounds, as it does in a
worker of Ray. Timed is the stage `collect` from when it is loaded until its result is kept:
drawing the scenes, loading and settling the objects, pictures and masks without and with the
arm, the attempts, PNG encoding, Parquet files, commits and packing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.own_process import cpu_seconds
from operators.compute.serial import SerialExecutor
from operators.stage.context import StageExecutor
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.grasping.config import (
    CameraConfig,
    CollectConfig,
    ObjectsConfig,
    PhysicsConfig,
    PlanConfig,
    PolicyConfig,
    WorldConfig,
)
from tasks.grasping.manifests import GraspPlan, ShardPlan, ShardSet
from tasks.grasping.stages.collect import collect_shards
from tasks.grasping.stages.plan import plan_collection

_FAR_SCENE = 10**6  # a scene that no round collects


@dataclass(frozen=True)
class Job:
    """What to collect in a round.

    Attributes:
        plan: Settings; its number of attempts is that of one round.
        seed: Root seed.
    """

    plan: PlanConfig
    seed: int


@dataclass(frozen=True)
class Round:
    """What a round came to and took, start-up apart.

    Attributes:
        attempts: Attempts collected.
        successes: Those that lifted something.
        num_bytes: Size of the Parquet files.
        cpu_s: User and system seconds of this process.
        wall_s: Seconds that passed.
    """

    attempts: int
    successes: int
    num_bytes: int
    cpu_s: float
    wall_s: float


def job(
    seed: int,
    scenes_per_round: int,
    *,
    world: str = "bullet",
    size_px: int = 64,
    view_deg: float = 34.0,
    attempts_per_scene: int = 12,
    physics: PhysicsConfig | None = None,
    family: str = "procedural",
) -> Job:
    """Return a job with the pipeline's settings but for those named; no pilot."""
    camera = CameraConfig(size_px=size_px, view_deg=view_deg)
    physics = physics or PhysicsConfig()
    plan = PlanConfig(
        num_attempts=scenes_per_round * attempts_per_scene,
        attempts_per_scene=attempts_per_scene,
        scenes_per_shard=scenes_per_round,
        world=WorldConfig(name=world, physics=physics, camera=camera),  # type: ignore[arg-type]
        objects=ObjectsConfig(family=family),  # type: ignore[arg-type]
        policy=PolicyConfig(steer=False),
    )
    return Job(plan, seed)


class Collector:
    """Collects scenes of a job.

    Args:
        job: What to collect.
        folder: New folder for what is collected.
        executor: Runs the scenes; this process if None.
        profile: Name or path of the profile that the executor goes by.
    """

    def __init__(
        self,
        job: Job,
        folder: Path,
        executor: StageExecutor | None = None,
        profile: str = "serial",
    ) -> None:
        self._run = LocalRun(folder, seed=job.seed, profile=profile)
        self._executor = executor or SerialExecutor()
        (ref,) = self._run.run(plan_collection, config=job.plan)
        self.plan = self._run.read(ref, GraspPlan)

    def collect(
        self, first_scene: int, num_scenes: int, on_ready: Callable[[], None] = lambda: None
    ) -> Round:
        """Collect some scenes into one shard.

        Args:
            first_scene: Index of the first.
            num_scenes: How many.
            on_ready: Called when all is loaded, right before the clock starts.
        """
        shard = ShardPlan(
            item_id=f"shard-{first_scene:07d}", first_scene=first_scene, num_scenes=num_scenes
        )
        num_attempts = (first_scene + num_scenes) * self.plan.attempts_per_scene
        planned = {"shards": (shard,), "num_attempts": num_attempts}
        part = self._run.put(self.plan.model_copy(update=planned))
        request = self._run.request(collect_shards, part, config=CollectConfig())
        begun: list[float] = []

        def start() -> None:
            on_ready()
            begun.extend((cpu_seconds(), time.perf_counter()))

        (ref,) = run_stage(request, self._executor, on_ready=start)
        if not begun:
            raise RuntimeError(f"scene {first_scene} was collected before: use another folder")
        cpu_s, wall_s = cpu_seconds() - begun[0], time.perf_counter() - begun[1]
        shards = self._run.read(ref, ShardSet).shards
        return Round(
            attempts=sum(shard.num_attempts for shard in shards),
            successes=sum(shard.num_successes for shard in shards),
            num_bytes=sum(self._run.fetch(shard.file).stat().st_size for shard in shards),
            cpu_s=cpu_s,
            wall_s=wall_s,
        )


@dataclass
class _Held:
    """The job of this process."""

    job: Job
    collector: Collector
    folder: tempfile.TemporaryDirectory[str]


_held: list[_Held] = []


def warm(job: Job) -> Collector:
    """Return the collector of this process, warmed up; one process collects one job."""
    if not _held:
        folder = tempfile.TemporaryDirectory(prefix="orrery-bench-")
        _held.append(_Held(job, Collector(job, Path(folder.name)), folder))
        _held[0].collector.collect(_FAR_SCENE, 1)
    if _held[0].job != job:
        raise ValueError("this process collects another job: start one for each")
    return _held[0].collector


def collect_round(job: Job, index: int) -> Round:
    """Collect a round in this process."""
    count = -(-job.plan.num_attempts // job.plan.attempts_per_scene)
    return warm(job).collect(index * count, count)
