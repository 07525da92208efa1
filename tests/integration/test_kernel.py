"""Whole stages on a real Ray: the same as serially, through kills, and twice at once."""

from __future__ import annotations

import collections
import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from operators.compute.serial import SerialExecutor
from operators.installation import ROOT
from operators.stage.local import LocalRun
from operators.stage.request import StageRequest, entrypoint
from operators.stage.run import run_stage
from operators.store.manifests import Manifest
from operators.store.storage import DRAFTS, Storage
from tests.support.kernel.live_runs import no_item_is_made, until
from tests.support.kernel.sample_stages import (
    NUM_CLIMBED,
    DoubleConfig,
    DoubledList,
    ListConfig,
    NumberList,
    climb_numbers,
    double_numbers,
    grow_numbers,
    list_numbers,
    weigh_numbers,
)

pytestmark = pytest.mark.integration


@pytest.fixture(params=[60.0])
def ray_profile(request: pytest.FixtureRequest, tmp_path: Path, ray_cluster: str) -> str:
    path = tmp_path / "ray.yaml"
    limits = f"memory_gb: 0.5, limit_s: {request.param}"
    path.write_text(f"ray_address: {ray_cluster}\ndefault: {{num_cpus: 1.0, {limits}}}\n")
    return str(path)


def request_for(
    folder: Path, profile: str, config: DoubleConfig, listing: ListConfig
) -> StageRequest:
    local = LocalRun(folder, profile=profile)
    numbers = local.run(list_numbers, config=listing)
    return local.request(double_numbers, numbers, config=config)


def start(request: StageRequest) -> subprocess.Popen[str]:
    """Run the command of a job in a process of its own."""
    return subprocess.Popen(
        shlex.split(entrypoint(request, "word"))[1:],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a command; returns the URI of its result."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1].removeprefix("ORRERY_RESULT word "))[0]["uri"]


def made(marks: Path) -> collections.Counter[str]:
    return collections.Counter(marks.read_text().split() if marks.exists() else ())


def committed(folder: Path) -> set[str]:
    items = (folder / "local/sample.double/items").glob("*/manifest.json")
    return {Manifest.parse(path.read_bytes(), str(path)).content["item_id"] for path in items}


def facts(result: DoubledList) -> list[tuple[str, float, float, str]]:
    """What was made of each number, wherever it lies."""
    return [(each.item_id, each.value, each.draw, each.file.sha256) for each in result.doubled]


def manifest(folder: Path, uri: str) -> Manifest:
    found = Storage(str(folder)).read(uri)
    assert found is not None
    return found


def test_serial_and_ray_give_equal_manifests_and_bytes(tmp_path: Path, ray_profile: str) -> None:
    listing = ListConfig(count=6, bad=("bad-1",))
    contents, files = [], []
    for name, executor in (("serial", SerialExecutor()), ("ray", None)):
        folder = tmp_path / name
        request = request_for(folder, ray_profile, DoubleConfig(), listing)
        ref = run_stage(request, executor)[0]
        found = manifest(folder, ref.uri)
        contents.append((ref, found.key, found.content))
        items = folder / "local/sample.double/items"
        files.append({p.relative_to(items): p.read_bytes() for p in items.rglob("*.txt")})
    assert contents[0] == contents[1]
    assert files[0] == files[1]
    assert len(files[0]) == 6


@pytest.mark.parametrize("ray_profile", [4.0], indirect=True)
def test_mishaps_are_listed_and_the_rest_goes_on(tmp_path: Path, ray_profile: str) -> None:
    marks = tmp_path / "marks"
    config = DoubleConfig(marks=str(marks), max_skipped_fraction=0.9)
    bad = ("bad-1", "dies-1", "stumbles-1", "hang-1", "hoard-1")
    request = request_for(tmp_path / "store", ray_profile, config, ListConfig(count=3, bad=bad))
    ref = run_stage(request)[0]
    result = LocalRun(tmp_path / "store").read(ref, DoubledList)
    reasons = {each.item_id: each.reason for each in result.skipped}
    assert [each.item_id for each in result.doubled] == ["good-0", "good-1", "good-2", "stumbles-1"]
    assert reasons == {
        "bad-1": "expected a good number, got a bad one; remove it",
        "dies-1": "its worker died: it was killed, ran out of memory, or passed its time limit "
        "(tried 2 times)",
        "hang-1": "passed its time limit of 4 s (tried 2 times)",
        "hoard-1": "passed its memory limit of 0.5 GB (tried 2 times)",
    }
    assert made(marks) == dict.fromkeys(("good-0", "good-1", "good-2", "bad-1"), 1) | dict.fromkeys(
        ("dies-1", "stumbles-1", "hang-1", "hoard-1"), 2
    )
    counts = manifest(tmp_path / "store", ref.uri).provenance["items"]
    assert counts == {"made": 4, "reused": 0, "skipped": 4}


def test_shared_arrays_give_the_same_on_ray_and_outlive_a_lost_worker(
    tmp_path: Path, ray_profile: str
) -> None:
    marks = tmp_path / "marks"
    config = DoubleConfig(marks=str(marks))
    contents = []
    for name, executor in (("ray", None), ("serial", SerialExecutor())):
        local = LocalRun(tmp_path / name, profile=ray_profile)
        numbers = local.run(list_numbers, config=ListConfig(count=3, bad=("stumbles-1",)))
        ref = run_stage(local.request(weigh_numbers, numbers, config=config), executor)[0]
        contents.append(manifest(tmp_path / name, ref.uri).content)
    assert contents[0] == contents[1]
    assert made(marks) == {"good-0": 2, "good-1": 2, "good-2": 2, "stumbles-1": 3}


def test_long_items_go_on_from_their_checkpoints(tmp_path: Path, ray_profile: str) -> None:
    folder, marks = tmp_path / "store", tmp_path / "marks"
    local = LocalRun(folder, profile=ray_profile)
    numbers = local.run(list_numbers, config=ListConfig(count=1, bad=("stumbles-1",)))
    config = DoubleConfig(marks=str(marks), wait_s=0.4)
    request = local.request(grow_numbers, numbers, config=config)
    process = start(request)
    until(lambda: {"good-0:3", "stumbles-1:1"} <= set(made(marks)))
    process.kill()
    process.communicate(timeout=30)
    until(no_item_is_made)  # Ray ends those of a driver that is gone
    begun = made(marks)

    result = local.read(run_stage(request)[0], NumberList)
    assert made(marks)["good-0:0"] == 1
    again = made(marks) - begun
    assert max(again.values()) == 1, "each epoch that was saved is made once"
    whole = LocalRun(tmp_path / "whole")
    request = whole.request(
        grow_numbers, whole.put(local.read(numbers, NumberList)), config=DoubleConfig()
    )
    assert result == whole.read(run_stage(request, SerialExecutor())[0], NumberList)
    assert not list((folder / ".training").glob("*/*"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_driver_loses_only_what_is_in_flight(
    tmp_path: Path, ray_profile: str, number: signal.Signals
) -> None:
    folder, marks = tmp_path / "store", tmp_path / "marks"
    config = DoubleConfig(marks=str(marks), wait_s=0.2)
    request = request_for(folder, ray_profile, config, ListConfig(count=24))
    process = start(request)
    until(lambda: len(committed(folder)) >= 6)
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == (-9 if number == signal.SIGKILL else 143)
    until(no_item_is_made)  # Ray ends those of a driver that is gone
    kept, begun = committed(folder), made(marks)
    assert 6 <= len(kept) < 24
    assert not list((folder / "local/sample.double").glob("*/result.json"))

    uri = finish(start(request))
    assert all(made(marks)[name] == 1 for name in kept), "no committed item is made again"
    assert set(made(marks)) == {f"good-{i}" for i in range(24)}
    again = sum(made(marks).values()) - 24
    assert again == len(set(begun) - kept) <= 4, "only what was in flight is made again"
    found = manifest(folder, uri)
    assert found.provenance["items"]["reused"] == len(kept)
    calm = LocalRun(tmp_path / "calm")
    numbers = calm.run(list_numbers, config=ListConfig(count=24))
    whole = calm.read(calm.run(double_numbers, numbers, config=DoubleConfig()), DoubledList)
    assert facts(found.record(DoubledList, uri)) == facts(whole), "no value or byte differs"
    if number == signal.SIGTERM:
        assert finish(start(request)) == uri


def test_two_runs_at_once_end_with_one_result(tmp_path: Path, ray_profile: str) -> None:
    folder = tmp_path / "store"
    request = request_for(folder, ray_profile, DoubleConfig(), ListConfig(count=8))
    processes = [start(request), start(request)]
    uris = {finish(process) for process in processes}
    assert len(uris) == 1
    assert len(committed(folder)) == 8
    assert list((folder / DRAFTS).iterdir()) == []


def test_a_killed_loop_is_told_the_same_ends_in_the_same_order(
    tmp_path: Path, ray_profile: str
) -> None:
    folder, marks = tmp_path / "store", tmp_path / "marks"
    config = DoubleConfig(marks=str(marks), wait_s=0.2)
    request = LocalRun(folder, profile=ray_profile).request(climb_numbers, config=config)
    process = start(request)

    def events() -> list[str]:
        # without what a kill left half-written
        notes = sorted((folder / "local/sample.climb").glob("*-journal/[!.]*.json"))
        return [json.loads(path.read_text())["item_id"] for path in notes]

    until(lambda: len(events()) >= 4)
    process.kill()
    process.communicate(timeout=30)
    until(no_item_is_made)  # Ray ends those of a driver that is gone
    before = events()
    assert 4 <= len(before) < NUM_CLIMBED

    result = LocalRun(folder).read(run_stage(request)[0], DoubledList)
    assert events()[: len(before)] == before
    assert len(events()) == NUM_CLIMBED
    told = [each.item_id for each in result.doubled]
    assert told == [name for name in events() if not name.startswith("bad")]
    assert all(made(marks)[name] == 1 for name in before)
