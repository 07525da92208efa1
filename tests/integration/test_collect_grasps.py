"""A whole run of `collect_grasps`: Airflow, Ray and MLflow together, in a real world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operators.stack.headless import run_headless
from operators.stack.services import Ports
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tasks.grasping.data.schema import read_shard
from tasks.grasping.manifests import Publication, ShardSet
from tests.support.kernel.live_runs import children, metrics_of

pytestmark = pytest.mark.integration

SMALL = {
    "num_attempts": 12,
    "plan.attempts_per_scene": 3,
    "plan.scenes_per_shard": 2,
    "plan.world.camera.size_px": 32,
    "plan.policy.steer": False,
    "check.min_success": 0.0,
    "check.max_success": 1.0,
}


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Two groups, and a store of the test's own."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"store_uri: {tmp_path}/store\nnum_jobs: 2\ndefault: {{num_cpus: 0.5}}\n")
    return str(path)


def read(store: Path, ref: Any, record_type: Any) -> Any:
    return read_artifact(Storage(str(store)), ref).record(record_type, ref.uri)


@pytest.mark.timeout(600)
def test_a_data_set_is_collected_checked_published_and_grown(
    servers: Ports, profile: str, tmp_path: Path
) -> None:
    lines: list[str] = []
    out, store = tmp_path / "out", tmp_path / "store"
    conf = SMALL | {"publish.export_to": str(out), "publish.webdataset": True}
    result = run_headless("collect_grasps", conf, profile=profile, on_line=lines.append)

    assert result.state == "success", result.log.read_text()[-5000:]
    assert {task: len(refs) for task, refs in result.results.items()} == {
        "plan": 2,
        "collect": 2,
        "check": 1,
        "publish": 1,
    }
    found = read(store, result.results["publish"][0], Publication)
    assert found.dataset.report.figures["attempts"] == 12
    assert found.dataset.report.figures["findings"] == 0
    assert [s.item_id for s in found.dataset.shards] == ["shard-00000", "shard-00001"]
    assert sum(len(read_shard(path)) for path in out.glob("shards/*.parquet")) == 12
    assert (out / "data_card.html").is_file()
    assert list(out.glob("webdataset/*.tar"))
    assert json.loads((out / "dataset.json").read_text())["num_attempts"] == 12
    assert any("attempts/s" in line for line in lines), "progress speaks of attempts"

    runs = children(servers, result.mlflow_run_id)
    names = sorted(child["info"]["run_name"] for child in runs)
    assert names == [
        *("grasping.check", "grasping.collect", "grasping.collect"),
        *("grasping.plan", "grasping.publish"),
    ]
    (publish,) = (c for c in runs if c["info"]["run_name"] == "grasping.publish")
    assert metrics_of(publish)["attempts"] == 12

    grown = SMALL | {"num_attempts": 18, "publish.export_to": str(out)}
    result = run_headless("collect_grasps", grown, profile=profile, on_line=lines.append)
    assert result.state == "success", result.log.read_text()[-5000:]
    counts = [
        read_artifact(Storage(str(store)), ref).provenance["items"]
        for ref in result.results["collect"]
    ]
    assert sum(each["reused"] for each in counts) == 4 + 2, "scenes and shards of the first run"
    assert sum(each["made"] for each in counts) == 2 + 1
    sets = [read(store, ref, ShardSet) for ref in result.results["collect"]]
    again = {shard.item_id: shard.file.sha256 for each in sets for shard in each.shards}
    for shard in found.dataset.shards:
        assert again[shard.item_id] == shard.file.sha256
    assert sum(len(read_shard(path)) for path in out.glob("shards/*.parquet")) == 18


def test_bad_settings_fail_the_plan_with_a_clear_message(servers: Ports, profile: str) -> None:
    wrong = {"plan.objects.family": "folder", "plan.objects.folder": "/nowhere"}
    lines: list[str] = []
    result = run_headless("collect_grasps", SMALL | wrong, profile=profile, on_line=lines.append)
    assert result.state == "failed"
    assert "collect" not in result.results
    assert any("/nowhere" in line for line in lines), lines[-20:]
