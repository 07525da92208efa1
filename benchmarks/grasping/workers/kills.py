"""Collects grasps on a Ray of its own while workers, drivers and the whole node are killed.

The function `soak` is both a benchmark and a test: it kills at random moments, starts again what
a supervisor would start again, and counts in the end what is missing and what stands twice.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from operators.installation import ROOT
from operators.processes import marked
from operators.processes.ports import Ports
from operators.stack import services
from operators.stage.local import LocalRun
from operators.stage.plan import find_finished
from operators.stage.request import StageRequest, entrypoint
from tasks.core.errors import OrreryError, TransientError
from tasks.grasping.data.rows import scene_name
from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import num_attempts_of, scene_id
from tasks.grasping.manifests import GraspPlan, ShardSet

logger = logging.getLogger(__name__)

Victim = Literal["worker", "driver", "node"]
_SHARES: dict[Victim, float] = {"worker": 0.6, "driver": 0.25, "node": 0.15}
_START_LIMIT_S = 90.0
_STALL_LIMIT_S = 300.0
_POLL_S = 0.05
_LAST_KILL = 0.85  # of the scenes are made when the last kill is due
_WITHIN_PART = 0.3  # of the scenes between two kills: where the first of them may fall
_NUM_CPUS = 1.0  # of one scene


@dataclass(frozen=True)
class KillFigures:
    """What came of a soak.

    Attributes:
        kills_survived: Kills after which the run went on to its end.
        by_victim: The same for workers, drivers and nodes.
        attempts: Rows in the finished shards.
        attempts_lost: Planned attempts that no row stands for.
        attempts_doubled: Rows beyond the first of an attempt.
        shards: SHA-256 of each shard's file, by name, to compare with an undisturbed run.
        seconds: How long it took.
    """

    kills_survived: int
    by_victim: dict[Victim, int]
    attempts: int
    attempts_lost: int
    attempts_doubled: int
    shards: dict[str, str]
    seconds: float


def soak(
    stage: Callable[..., Any],
    plan: GraspPlan,
    config: Any,
    folder: Path,
    *,
    num_kills: int,
    seed: int = 0,
    rng: np.random.Generator,
) -> KillFigures:
    """Collect a plan through kills.

    Args:
        stage: The collecting stage.
        plan: What to collect: enough scenes that they outlast the kills, at least three a kill.
        config: The stage's settings.
        folder: New folder for the store and the logs.
        num_kills: How often to kill something.
        seed: Root seed of the run.
        rng: Draws the moments and the victims.

    Raises:
        OrreryError: The run failed by itself, stalled, or ended before the last kill.
    """
    begun_s = time.monotonic()
    run = _Run.prepare(stage, plan, config, folder, seed)
    killed: Counter[Victim] = Counter()
    num_scenes = sum(shard.num_scenes for shard in plan.shards)
    # Apart, so that no scene is hit twice: what a worker died under twice is given up.
    parts = np.arange(num_kills) + rng.uniform(0.0, _WITHIN_PART, num_kills)
    due = parts * _LAST_KILL * num_scenes / num_kills
    victims: list[Victim] = [
        list(_SHARES)[index]
        for index in rng.choice(len(_SHARES), num_kills, p=list(_SHARES.values()))
    ]
    try:
        run.start_node()
        run.start_driver()
        for moment, victim in zip(due, victims, strict=True):
            run.wait_for(int(moment))
            time.sleep(rng.uniform(0.0, 0.5))  # anywhere within a scene, and in its commit
            run.kill(victim, rng)
            killed[victim] += 1
            logger.info("killed %s at %d of %d scenes", victim, run.num_committed(), num_scenes)
        run.wait_for_end()
        return _figures(run, plan, seed, killed, time.monotonic() - begun_s)
    finally:
        run.end()


@dataclass
class _Run:
    """One stage on a Ray of its own, and the processes of both."""

    request: StageRequest
    store: Path
    folder: Path
    ports: Ports
    mark: str
    node: subprocess.Popen[bytes] | None = None
    driver: subprocess.Popen[bytes] | None = None
    ray_folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="orrery-ray-")))

    @classmethod
    def prepare(
        cls, stage: Callable[..., Any], plan: GraspPlan, config: Any, folder: Path, seed: int
    ) -> _Run:
        ports = Ports.choose()
        profile = folder / "profile.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        profile.write_text(
            f"ray_address: 127.0.0.1:{ports.ray_inner[0]}\ndefault: {{num_cpus: {_NUM_CPUS}}}\n"
        )
        local = LocalRun(folder / "store", seed=seed, profile=str(profile))
        request = local.request(stage, local.put(plan), config=config)
        return cls(request, folder / "store", folder, ports, f"kills-{ports.ray}")

    def start_node(self) -> None:
        """Start Ray's head and wait until it answers."""
        command = services.ray_command(self.ports, self.ray_folder)
        self.node = self._start("node", command)
        node = self.node
        marked.wait_until(
            "Ray",
            lambda: services.ray_is_up(self.ports),
            _START_LIMIT_S,
            lambda: node.poll() is None,
        )

    def start_driver(self) -> None:
        """Start the stage's job."""
        self.driver = self._start("driver", ["/bin/sh", "-c", entrypoint(self.request, "driver")])

    def wait_for(self, num_scenes: int) -> None:
        """Wait until so many scenes are committed."""
        changed_s, seen = time.monotonic(), -1
        while (now := self.num_committed()) < num_scenes:
            if now != seen:
                changed_s, seen = time.monotonic(), now
            if self._ended():
                raise OrreryError("the run ended before the last kill: plan more scenes")
            self._check_moving(changed_s)
            time.sleep(_POLL_S)

    def wait_for_end(self) -> None:
        """Wait for the driver's own end."""
        changed_s, seen = time.monotonic(), -1
        while not self._ended():
            if (now := self.num_committed()) != seen:
                changed_s, seen = time.monotonic(), now
            self._check_moving(changed_s)
            time.sleep(_POLL_S)

    def kill(self, victim: Victim, rng: np.random.Generator) -> None:
        """Kill with SIGKILL, and start again what a supervisor would."""
        if victim == "worker":
            busy = self._busy_workers()
            busy[int(rng.integers(len(busy)))].kill()
        elif victim == "driver" and self.driver is not None:
            self.driver.kill()
            self.driver.wait()
            self.start_driver()
        else:
            self._kill_all()
            self.start_node()
            self.start_driver()

    def num_committed(self) -> int:
        """Scenes and shards that are committed."""
        return sum(1 for _ in (self.store / "local").glob("*/items/*/manifest.json"))

    def result(self) -> ShardSet:
        """Return what the finished stage returned."""
        refs = find_finished(self.request)
        if refs is None:
            raise OrreryError(f"the run ended without a result; its log is {self.log('driver')}")
        return LocalRun(self.store).read(refs[0], ShardSet)

    def log(self, name: str) -> Path:
        """File that takes what a process prints."""
        return self.folder / f"{name}.log"

    def end(self) -> None:
        """End all that was started."""
        self._kill_all()

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        return marked.start(
            command,
            mark=self.mark,
            env=services.base_env(),
            log=self.log(name),
            folder=ROOT,
        )

    def _ended(self) -> bool:
        """Whether the driver ended as it should."""
        code = None if self.driver is None else self.driver.poll()
        if code is None:
            return False
        if code != 0:
            raise OrreryError(f"the driver ended with {code}; its log is {self.log('driver')}")
        return True

    def _check_moving(self, changed_s: float) -> None:
        if time.monotonic() - changed_s > _STALL_LIMIT_S:
            raise TransientError(
                f"no scene was committed for {_STALL_LIMIT_S:.0f} s; logs are in {self.folder}"
            )

    def _busy_workers(self) -> list[psutil.Process]:
        """Ray's workers that make an item right now."""
        end_s = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < end_s:
            busy = [p for p in self._members() if _title(p).startswith("ray::make_item")]
            if busy:
                return busy
            if self._ended():
                raise OrreryError("the run ended before the last kill: plan more scenes")
            time.sleep(_POLL_S)
        raise TransientError(f"no worker was busy for {_START_LIMIT_S:.0f} s")

    def _members(self) -> list[psutil.Process]:
        sessions = [each.pid for each in (self.node, self.driver) if each is not None]
        return marked.members(self.mark, sessions)

    def _kill_all(self) -> None:
        for _ in range(20):
            left = self._members()
            if not left:
                break
            for process in left:
                try:
                    process.kill()
                except psutil.Error:
                    continue
            psutil.wait_procs(left, timeout=2.0)
        for started in (self.node, self.driver):
            if started is not None:
                started.wait()


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _figures(
    run: _Run, plan: GraspPlan, seed: int, killed: Counter[Victim], seconds: float
) -> KillFigures:
    found = run.result()
    local = LocalRun(run.store)
    rows: Counter[str] = Counter()
    for shard in found.shards:
        rows.update(read_shard(local.fetch(shard.file), ["attempt_id"])["attempt_id"].to_pylist())
    planned = {
        f"{plan.recipe['world']['name']}/{scene}/{k}"
        for shard in plan.shards
        for index in range(shard.first_scene, shard.first_scene + shard.num_scenes)
        for scene in [scene_name(scene_id(plan.split, seed, index), found.recipe_digest)]
        for k in range(num_attempts_of(index, plan.num_attempts, plan.attempts_per_scene))
    }
    return KillFigures(
        kills_survived=killed.total(),
        by_victim=dict(killed),
        attempts=rows.total(),
        attempts_lost=len(planned - rows.keys()),
        attempts_doubled=rows.total() - len(rows),
        shards={shard.item_id: shard.file.sha256 for shard in found.shards},
        seconds=seconds,
    )
