"""What a call is keyed by, and finding its result without loading anything heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operators.installation import ROOT
from operators.stage.local import LocalRun
from operators.stage.plan import Plan, find_finished
from tasks.core.errors import ConfigError
from tasks.panorama.config import IngestConfig, PublishConfig
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.publish import publish_captures
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    ListConfig,
    double_numbers,
    list_numbers,
    train_number,
)


def test_a_finished_result_is_found_under_the_call_s_own_key(tmp_path: Path) -> None:
    local = LocalRun(tmp_path)
    numbers = local.run(list_numbers, config=ListConfig(count=2))
    request = local.request(double_numbers, numbers, config=DoubleConfig())
    assert find_finished(request) is None
    ref = local.run(double_numbers, numbers, config=DoubleConfig())
    assert find_finished(request) == [ref]
    call = Plan.of(request).on("cpu")
    assert call.folder == ref.uri == f"local/{call.plan.name}/{call.key}"
    assert call.beside("items") == f"local/{call.plan.name}/items"


def test_the_device_enters_the_key_where_repetition_is_not_exact(tmp_path: Path) -> None:
    local = LocalRun(tmp_path)
    plan = Plan.of(local.request(train_number, config=DoubleConfig()))
    other = Plan.of(local.request(list_numbers, config=ListConfig()))
    assert other.on("cpu").key == other.on("gpu").key
    assert plan.on("cpu").key != plan.on("gpu").key


def test_the_processes_of_a_training_enter_the_key_where_there_are_several(tmp_path: Path) -> None:
    keys = {}
    for name, address, num in (("one", "auto", 1), ("two", "auto", 2), ("serial", "''", 2)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            f"ray_address: {address}\nstages: {{sample.train: {{num_workers: {num}}}}}\n"
        )
        local = LocalRun(tmp_path / "store", profile=str(path))
        plan = Plan.of(local.request(train_number, config=DoubleConfig()))
        other = Plan.of(local.request(double_numbers, config=DoubleConfig()))
        keys[name] = (plan.on("cpu").key, other.on("cpu").key)
    assert keys["one"] == keys["serial"]
    assert keys["one"][0] != keys["two"][0]
    assert keys["one"][1] == keys["two"][1]


def test_a_path_that_the_profile_does_not_allow_is_refused_in_the_job_too(tmp_path: Path) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(f"ray_address: ''\nreadable: [{tmp_path}/data]\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to("/usr")
    local = LocalRun(tmp_path / "store", profile=str(profile))
    for captures in ("/usr", f"{tmp_path}/data/../..", f"{tmp_path}/data/link"):
        with pytest.raises(ConfigError, match=r"captures: .* lies outside of what is readable"):
            local.run(ingest_captures, config=IngestConfig(captures=captures))
    with pytest.raises(ConfigError, match=r"publish\.export_to: .* what is writable \(nothing\)"):
        Plan.of(local.request(publish_captures, config=PublishConfig(export_to=str(tmp_path))))


def test_looking_up_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, operators.stage.plan as p, operators.stage.request as r\n"
        "request = r.StageRequest(pipeline='p',\n"
        "    stage='tests.support.kernel.sample_stages:double_numbers',\n"
        f"    caller=r.Caller(run_id='x', profile='serial', store_uri={str(tmp_path)!r}))\n"
        "assert p.find_finished(request) is None\n"
        "heavy = {'torch', 'ray', 'cv2', 'mlflow', 'scipy', 'airflow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
