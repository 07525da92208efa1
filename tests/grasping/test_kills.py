"""Kills: nothing is lost, nothing stands twice, and no byte differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.grasping.workers.kills import KillFigures, soak
from operators.stage.local import LocalRun
from tasks.grasping.manifests import ShardSet
from tests.support.grasping.toy_stages import ToyCollectConfig, collect_toys, toy_plans

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def undisturbed(folder: Path, scenes: int, config: ToyCollectConfig) -> dict[str, str]:
    """Digests of the shards of a serial run that nothing disturbs."""
    local = LocalRun(folder, seed=3)
    ref = local.run(collect_toys, local.put(toy_plans(scenes * 4, 4, 10)[0]), config=config)
    return {shard.item_id: shard.file.sha256 for shard in local.read(ref, ShardSet).shards}


def killed(folder: Path, scenes: int, num_kills: int, config: ToyCollectConfig) -> KillFigures:
    (plan,) = toy_plans(scenes * 4, 4, 10)
    rng = np.random.default_rng(11)
    return soak(collect_toys, plan, config, folder, num_kills=num_kills, seed=3, rng=rng)


@pytest.mark.parametrize(
    ("scenes", "num_kills"),
    [(40, 3), pytest.param(240, 20, marks=pytest.mark.timeout(1200))],
)
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, scenes: int, num_kills: int) -> None:
    slow = ToyCollectConfig(seconds_per_scene=0.25)
    figures = killed(tmp_path / "killed", scenes, num_kills, slow)
    assert figures.kills_survived == num_kills
    assert (figures.attempts_lost, figures.attempts_doubled) == (0, 0)
    assert figures.attempts == scenes * 4
    quick = ToyCollectConfig()  # what a scene costs changes its key, but none of its rows
    assert figures.shards == undisturbed(tmp_path / "calm", scenes, quick)
