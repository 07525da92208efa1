"""Running one stage: finding, devices, messages and the command."""

from __future__ import annotations

import dataclasses
import json
import logging
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from operators.compute.serial import SerialExecutor
from operators.installation import ROOT
from operators.installed_code import code_digest
from operators.stage import run
from operators.stage.local import LocalRun
from operators.stage.plan import find_finished
from operators.stage.request import Caller
from operators.stage.run import run_stage, run_twice
from operators.store.storage import Storage
from tasks.core.errors import ConfigError, ResourceError
from tasks.core.records import ArtifactRef
from tests.support.hostile.refusals import refused
from tests.support.kernel import sample_stages
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    ListConfig,
    NumberList,
    double_numbers,
    group_numbers,
    like_gpu,
    list_numbers,
    need_gpu,
    train_number,
)

SAMPLE = sample_stages.__name__


class WithGpu(SerialExecutor):
    """A serial executor that claims to have one GPU."""

    available_gpus = 1.0

    def granted(self, *args: object) -> SerialExecutor:
        return self


@pytest.fixture
def local(tmp_path: Path) -> LocalRun:
    return LocalRun(tmp_path / "store")


def test_finished_result_is_found_without_running(
    local: LocalRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = local.request(list_numbers, config=ListConfig(count=2))
    assert find_finished(request) is None
    refs = run_stage(request, SerialExecutor())
    assert find_finished(request) == refs
    monkeypatch.setattr(sample_stages, "list_numbers", None)
    assert run_stage(request) == refs, "needs neither the stage nor an executor"


@pytest.fixture
def filled(tiny_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalRun:
    """A store whose disk has no byte left, and a pause of a moment."""
    monkeypatch.setattr("operators.stage.run.STORE_PAUSE_S", 0.5)
    (tmp_path / "serial.yaml").write_text("ray_address: ''\n")
    with suppress(OSError), (tiny_disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    return LocalRun(tiny_disk, profile=str(tmp_path / "serial.yaml"))


def test_a_store_that_is_full_for_a_moment_is_waited_for(
    filled: LocalRun, caplog: pytest.LogCaptureFixture
) -> None:
    request = filled.request(list_numbers, config=ListConfig(count=2))
    clearing = threading.Timer(0.2, (filled.folder / "ballast").unlink)
    clearing.start()
    (ref,) = run_twice(request)
    clearing.join()
    assert len(filled.read(ref, NumberList).numbers) == 2
    (said,) = (each for each in caplog.messages if "no space left" in each)
    assert "Tried once more in" in said


def test_a_store_that_stays_full_is_told_with_what_to_do(filled: LocalRun) -> None:
    request = filled.request(list_numbers, config=ListConfig(count=2))
    said = r"no space left while writing .*: 0\.0 MB free at .*make prune.*so 0 s before, too"
    with pytest.raises(ResourceError, match=said):
        run_twice(request)


def test_stage_of_another_run_reads_the_outside_again(local: LocalRun) -> None:
    request = local.request(list_numbers, config=ListConfig())
    run_stage(request, SerialExecutor())
    caller = request.caller.model_copy(update={"run_id": "another"})
    assert find_finished(request.model_copy(update={"caller": caller})) is None


def test_unchanged_listing_of_another_run_keeps_what_follows(local: LocalRun) -> None:
    request = local.request(list_numbers, config=ListConfig())
    caller = request.caller.model_copy(update={"run_id": "another"})
    one = run_stage(request, SerialExecutor())
    two = run_stage(request.model_copy(update={"caller": caller}), SerialExecutor())
    assert two == one, "the same content is kept once"
    assert len(list(local.folder.rglob("manifest.json"))) == 1
    following = local.request(double_numbers, one[0], config=DoubleConfig())
    refs = run_stage(following, SerialExecutor())
    assert find_finished(local.request(double_numbers, two[0], config=DoubleConfig())) == refs


def test_a_record_says_of_a_large_result_or_an_earlier_run_s_only_where_it_lies(
    local: LocalRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, folder = [], tmp_path / "told"
    for count in (2, 2, 3):
        monkeypatch.setattr(run, "MAX_TOLD_BYTES", run.MAX_TOLD_BYTES if count == 2 else 10)
        request = local.request(list_numbers, config=ListConfig(count=count))
        (ref,) = run_stage(request, SerialExecutor(), FolderTracker(folder))
        events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
        told.append([each["json"] for each in events if "json" in each][-1])
    assert len(told[0]["content"]["numbers"]) == 2
    assert (told[1].keys(), told[1]["sha256"]) == (ref.model_dump().keys(), told[0]["sha256"])
    assert told[2] == ref.model_dump()


def test_fan_out_returns_groups_and_is_found_again(tmp_path: Path) -> None:
    profile = tmp_path / "three.yaml"
    profile.write_text("num_jobs: 3")
    local = LocalRun(tmp_path / "store", profile=str(profile))
    numbers = local.run(list_numbers, config=ListConfig(count=5))
    groups = local.run(group_numbers, numbers, config=DoubleConfig())
    names = [[n.item_id for n in local.read(group, NumberList).numbers] for group in groups]
    assert names == [["good-0", "good-3"], ["good-1", "good-4"], ["good-2"]]
    assert find_finished(local.request(group_numbers, numbers, config=DoubleConfig())) == groups


def test_defaults_need_not_be_given(local: LocalRun) -> None:
    full = local.request(list_numbers, config=ListConfig())
    refs = run_stage(full, SerialExecutor())
    assert find_finished(full.model_copy(update={"config": {}})) == refs


def test_wrong_setting_fails_before_anything_runs(local: LocalRun) -> None:
    request = local.request(list_numbers, config=ListConfig())
    wrong = request.model_copy(update={"config": {"listing": {"count": -1}}})
    with pytest.raises(ConfigError, match=r"count: .*greater than or equal to 0, got -1"):
        find_finished(wrong)


def test_stage_without_gpu_says_so(local: LocalRun, tmp_path: Path) -> None:
    profile = tmp_path / "gpu.yaml"
    profile.write_text("stages: {sample.needs_gpu: {num_gpus: 0.5}}")
    for name, granted in (("serial", "0"), (str(profile), "0.5")):
        local = LocalRun(tmp_path / "store", profile=name)
        with pytest.raises(
            ResourceError,
            match=rf"sample.needs_gpu needs a GPU, .* grants {granted} GPUs .*cluster has 0",
        ):
            run_stage(local.request(need_gpu, config=DoubleConfig()), SerialExecutor())


def test_stage_that_likes_a_gpu_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    profile = tmp_path / "gpu.yaml"
    profile.write_text("default: {num_gpus: 0.5}")
    local = LocalRun(tmp_path / "store", profile=str(profile))
    request = local.request(like_gpu, config=DoubleConfig())
    refs = run_stage(request, SerialExecutor())
    assert local.read(refs[0], NumberList).numbers[0].item_id == "cpu"
    assert "sample.likes_gpu runs on the CPU: its profile" in caplog.text
    assert Storage(str(local.folder)).read(refs[0].uri).provenance["device"] == "cpu"


def test_stage_that_likes_a_gpu_takes_its_fraction(tmp_path: Path) -> None:
    profile = tmp_path / "gpu.yaml"
    profile.write_text("default: {num_gpus: 0.5}")
    local = LocalRun(tmp_path / "store", profile=str(profile))
    refs = run_stage(local.request(like_gpu, config=DoubleConfig()), WithGpu())
    number = local.read(refs[0], NumberList).numbers[0]
    assert (number.item_id, number.value) == ("gpu", 0.5)


def test_driver_draws_from_its_seed_and_keeps_its_file(local: LocalRun) -> None:
    one = local.run(train_number, config=DoubleConfig())
    two = dataclasses.replace(local, seed=1).run(train_number, config=DoubleConfig())
    assert one.uri != two.uri
    assert (local.folder / one.uri / "model.txt").is_file()
    assert local.read(one, NumberList) != local.read(two, NumberList)


def test_a_stage_records_its_settings_and_its_manifest(tmp_path: Path) -> None:
    request = LocalRun(tmp_path / "store").request(list_numbers, config=ListConfig(count=3))
    run_stage(request, SerialExecutor(), FolderTracker(tmp_path / "run"))
    events = (tmp_path / "run/events.jsonl").read_text()
    assert '{"params": {"count": 3, "bad": []}}' in events
    assert '"name": "manifest.json"' in events
    assert events.splitlines()[-1] == '{"status": "FINISHED"}'


def command(tmp_path: Path, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run the command on a serial profile."""
    given = {
        "pipeline": "sample",
        "stage": f"{SAMPLE}:list_numbers",
        "config": "{}",
        "inputs": "[]",
        "word": "abc",
        "caller": Caller(
            run_id="r", profile="serial", store_uri=str(tmp_path / "store")
        ).model_dump_json(),
    } | changes
    arguments = [f"--{name}={value}" for name, value in given.items()]
    return subprocess.run(
        [sys.executable, "-m", "operators.stage.run", *arguments],
        check=False, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip


def test_command_prints_its_result_last(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"listing": {"count": 3}}')
    done = command(tmp_path, config=f"@{tmp_path}/config.json")
    assert done.returncode == 0, done.stderr
    kind, word, value = done.stdout.splitlines()[-1].split(" ", 2)
    assert (kind, word) == ("ORRERY_RESULT", "abc")
    (ref,) = json.loads(value)
    assert ref["schema_id"] == "sample.numbers/1"
    assert (tmp_path / "store" / ref["uri"] / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("changes", "code", "kind", "message"),
    [
        ({"stage": f"{SAMPLE}:need_gpu"}, 65, "ResourceError", "needs a GPU"),
        ({"config": '{"listing": {"cuont": 1}}'}, 65, "ConfigError", "cuont"),
        ({"config": "{"}, 65, "ConfigError", "arguments can't be read"),
        ({"config": "@/none.json"}, 65, "ConfigError", "No such file"),
        ({"stage": "tests.support.none:x"}, 65, "ConfigError", "there is no stage"),
        ({"inputs": '["x"]'}, 65, "ConfigError", "inputs"),
        ({"stage": f"{SAMPLE}:double_numbers"}, 65, "ConfigError", "expected 1 inputs (numbers)"),
    ],
)
def test_command_says_what_went_wrong(
    tmp_path: Path, changes: dict, code: int, kind: str, message: str
) -> None:
    done = command(tmp_path, **changes)
    assert done.returncode == code, done.stderr
    kind_of_line, word, value = done.stdout.splitlines()[-1].split(" ", 2)
    assert (kind_of_line, word) == ("ORRERY_ERROR", "abc")
    assert json.loads(value)["type"] == kind
    assert message in json.loads(value)["message"]


def test_lost_cluster_is_worth_a_retry(tmp_path: Path) -> None:
    profile = tmp_path / "away.yaml"
    profile.write_text("ray_address: 127.0.0.1:1")
    caller = Caller(run_id="r", profile=str(profile), store_uri=str(tmp_path / "store"))
    done = command(tmp_path, caller=caller.model_dump_json())
    assert done.returncode == 75, done.stderr
    assert "can't reach the Ray cluster at 127.0.0.1:1" in done.stdout


def odd_inputs(ref: ArtifactRef) -> dict[str, list]:
    return {
        "none": [],
        "too many": [ref, ref],
        "a group for one": [[ref, ref]],
        "an empty group": [[]],
        "a place above the store": [ref.model_copy(update={"uri": "../../outside"})],
        "an absolute place": [ref.model_copy(update={"uri": "/etc"})],
        "another store": [ref.model_copy(update={"uri": "s3://bucket/a"})],
        "a chain": [ref.model_copy(update={"uri": "zip://a::file:///etc"})],
        "another schema": [ref.model_copy(update={"schema_id": "evil/1"})],
        "another digest": [ref.model_copy(update={"sha256": "f" * 64})],
        "another result": [ref.model_copy(update={"uri": "local/sample.list/none"})],
        "a long place": [ref.model_copy(update={"uri": "n" * 5000})],
    }


@pytest.mark.hostile
@pytest.mark.parametrize("kind", odd_inputs(ArtifactRef(schema_id="", uri="", sha256="0" * 64)))
def test_inputs_that_are_not_the_stage_s_are_refused(local: LocalRun, kind: str) -> None:
    ref = local.run(list_numbers, config=ListConfig())
    inputs = odd_inputs(ref)[kind]
    with refused():
        local.run(double_numbers, *inputs, config=DoubleConfig())


@pytest.mark.hostile
@pytest.mark.parametrize(
    "stage",
    ["", ":", "os:system", "../../etc:passwd", "tasks/nas:x", "/dev/zero:x", "\0:a", "n" * 5000]
    + [f"{SAMPLE}:{name}" for name in ("none", "__doc__", "ListConfig", "list_numbers:x")],
)
def test_what_is_no_stage_is_refused(local: LocalRun, stage: str) -> None:
    request = local.request(list_numbers, config=ListConfig())
    with refused("there is no stage"):
        run_stage(request.model_copy(update={"stage": stage}), SerialExecutor())


def test_a_call_from_other_code_is_refused_before_anything_runs(local: LocalRun) -> None:
    request = local.request(list_numbers, config=ListConfig(count=2))
    for code, is_same in (("0" * 64, False), (code_digest(), True)):
        caller = request.caller.model_copy(update={"code": code})
        asked = request.model_copy(update={"caller": caller})
        if is_same:
            assert run_stage(asked, SerialExecutor()) == find_finished(request)
        else:
            with pytest.raises(ResourceError, match=r"other code in .*submitted this job"):
                run_stage(asked, SerialExecutor())
            assert find_finished(request) is None
