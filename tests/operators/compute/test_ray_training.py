"""Trainings of several processes on Ray Train: joined, and lost together."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from ray.train.v2._internal.exceptions import RayTrainError

from operators.compute.ray_training import WORKER_DIED, _cause
from operators.installation import ROOT
from operators.stage.local import LocalRun
from operators.stage.request import StageRequest, entrypoint
from operators.stage.run import run_stage
from operators.store.storage import TRAINING
from tasks.core.errors import WorkerLostError
from tasks.core.records import ArtifactRef
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.kernel.live_runs import until, words
from tests.support.kernel.sample_stages import (
    NUM_EPOCHS,
    DoubleConfig,
    DoubledList,
    Number,
    NumberList,
    share_numbers,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray\\.data"),
]


@pytest.fixture
def profile(ray_cluster: str, tmp_path: Path) -> str:
    path = tmp_path / "group.yaml"
    granted = "num_cpus: 0.5, memory_gb: 1.0, limit_s: 20.0, num_workers: 2"
    path.write_text(f"ray_address: {ray_cluster}\ndefault: {{{granted}}}\n")
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> DoubleConfig:
    return DoubleConfig(marks=str(tmp_path / "marks"), max_skipped_fraction=1.0)


def request_for(folder: Path, profile: str, config: DoubleConfig, *names: str) -> StageRequest:
    local = LocalRun(folder, profile=profile)
    numbers = NumberList(numbers=tuple(Number(item_id=name, value=1.0) for name in names))
    return local.request(share_numbers, local.put(numbers), config=config)


def values(folder: Path, ref: ArtifactRef) -> dict[str, float]:
    return {each.item_id: each.value for each in LocalRun(folder).read(ref, DoubledList).doubled}


def made(config: DoubleConfig) -> Counter[str]:
    """How often each process made each epoch of each item."""
    return Counter(Path(config.marks).read_text().split())


def test_processes_share_an_item_and_go_on_together_when_one_is_lost(
    tmp_path: Path, profile: str, config: DoubleConfig
) -> None:
    name, shown = "stumbles-1", tmp_path / "shown"
    request = request_for(tmp_path / "store", profile, config, name)
    (ref,) = run_stage(request, tracker=FolderTracker(shown))
    epochs, half = made(config), NUM_EPOCHS // 2
    assert [epochs[f"{name}:1:{epoch}"] for epoch in range(half + 1)] == [1] * half + [2]
    alone = request_for(tmp_path / "alone", "serial", config, name)
    assert values(tmp_path / "store", ref) == values(tmp_path / "alone", run_stage(alone)[0])

    local = LocalRun(tmp_path / "store")
    (result,) = local.read(ref, DoubledList).doubled
    assert result.draw == 2
    assert local.fetch(result.file).read_text() == "0\n", "the first process's file"
    events = [json.loads(line) for line in (shown / "events.jsonl").read_text().splitlines()]
    rows = [each for each in events if f"{name}/rank" in each.get("metrics", {})]
    assert [each["step"] for each in rows] == list(range(NUM_EPOCHS))
    assert {each["metrics"][f"{name}/rank"] for each in rows} == {0.0}
    assert not list((tmp_path / "store" / TRAINING).glob("*/*"))


@pytest.mark.slow
def test_what_one_process_of_several_comes_to_holds_for_all(
    tmp_path: Path, profile: str, config: DoubleConfig
) -> None:
    names = ("bad-0", "dies-1", "sleeps-2", "good-3")
    shown = tmp_path / "shown"
    request = request_for(tmp_path / "store", profile, config, *names)
    (ref,) = run_stage(request, tracker=FolderTracker(shown))
    result = LocalRun(tmp_path / "store").read(ref, DoubledList)
    assert [each.item_id for each in result.doubled] == ["good-3"]
    lost = f"{WORKER_DIED} (tried 2 times)"
    assert {each.item_id: each.reason for each in result.skipped} == {
        "bad-0": "expected a number that grows, got one that does not",
        "dies-1": lost,
        "sleeps-2": lost,
    }
    epochs = made(config)
    assert epochs["dies-1:1:0"] == 1, "its second try went on from the checkpoint of the first"
    assert epochs[f"dies-1:1:{NUM_EPOCHS // 2}"] == 2
    assert max(epochs[f"good-3:{rank}:{epoch}"] for rank in (0, 1) for epoch in range(3)) == 1
    assert (shown / "events.jsonl").read_text().count('"bad-0/value"') == NUM_EPOCHS // 2


@pytest.mark.slow
def test_a_training_outlives_its_driver(
    tmp_path: Path, profile: str, config: DoubleConfig, ray_cluster: str
) -> None:
    slow = replace(config, wait_s=0.5)
    request = request_for(tmp_path / "store", profile, slow, "good-0")
    command = shlex.split(entrypoint(request, "word"))[1:]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    until(lambda: Path(config.marks).exists() and made(config)["good-0:0:2"])
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not [p for p in psutil.process_iter() if "RayTrainWorker" in words(p)])
    (ref,) = run_stage(request)
    assert max(made(config)[f"good-0:0:{epoch}"] for epoch in range(2)) == 1
    alone = request_for(tmp_path / "alone", "serial", slow, "good-0")
    assert values(tmp_path / "store", ref) == values(tmp_path / "alone", run_stage(alone)[0])


def test_the_reason_of_a_loss_is_told_from_what_follows_of_it() -> None:
    died, broken = RayTrainError("its actor died"), WorkerLostError(WORKER_DIED)
    limit, bug = WorkerLostError("passed its memory limit of 1 GB"), ValueError("a bug")
    for failures, expected in (
        ({0: broken, 1: died}, broken),
        ({0: bug, 1: died}, broken),
        ({0: broken, 1: limit}, limit),
        ({1: bug}, bug),
    ):
        cause = _cause(failures)
        assert (type(cause), str(cause)) == (type(expected), str(expected))
