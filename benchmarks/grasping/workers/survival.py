"""Collects through kills, and compares every byte with a run that nothing disturbed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.grasping.collecting import Collector, job
from benchmarks.grasping.workers.kills import soak
from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from operators.stage.local import LocalRun
from tasks.grasping.config import CollectConfig
from tasks.grasping.manifests import GraspPlan, ShardSet
from tasks.grasping.stages.collect import collect_shards

SCENES_PER_KILL = 12
_SCENES_PER_SHARD = 20
_SEED = 7  # of the moments and the victims


def measure(seed: int, num_kills: int) -> dict[str, Figure]:
    """Kill workers, drivers and the node of a run, and count what came of it.

    Args:
        seed: Root seed of the scenes.
        num_kills: How often to kill something.
    """
    todo = job(seed, SCENES_PER_KILL * num_kills)
    todo = replace(todo, plan=replace(todo.plan, scenes_per_shard=_SCENES_PER_SHARD))
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name, OwnProcess() as process:
        plan = Collector(todo, Path(name, "plan")).plan
        found = soak(
            collect_shards,
            plan,
            CollectConfig(),
            Path(name, "killed"),
            num_kills=num_kills,
            seed=seed,
            rng=np.random.default_rng(_SEED),
        )
        calm = process.call(undisturbed, plan, seed, str(Path(name, "calm"))).value
    victims = ", ".join(f"{count} {victim}s" for victim, count in found.by_victim.items())
    print(f"killed {victims}; {found.attempts} attempts in {found.seconds:.0f} s", flush=True)
    differing = sum(found.shards.get(shard) != sha256 for shard, sha256 in calm.items())
    counts = {
        "kills_survived": found.kills_survived,
        "attempts_lost": found.attempts_lost,
        "attempts_doubled": found.attempts_doubled,
        "shards_changed_by_kills": differing,
    }
    return {
        key: Figure(value=float(count), unit="", interval=None) for key, count in counts.items()
    }


def undisturbed(plan: GraspPlan, seed: int, folder: str) -> dict[str, str]:
    """SHA-256 of each shard of a serial run, by name."""
    local = LocalRun(Path(folder), seed=seed)
    ref = local.run(collect_shards, local.put(plan), config=CollectConfig())
    return {shard.item_id: shard.file.sha256 for shard in local.read(ref, ShardSet).shards}
