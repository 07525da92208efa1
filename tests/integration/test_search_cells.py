"""A whole run of `search_cells`: Airflow, Ray and MLflow together, its driver killed on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operators.stack.headless import run_headless
from operators.stack.services import Ports
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tasks.nas.manifests import RetrainedCells, SearchReport
from tasks.nas.space.genotype_file import read_genotype
from tests.support.kernel.live_runs import children, drivers, meanwhile, metrics_of, until
from tests.support.nas.image_sets import coloured, write_packed

pytestmark = pytest.mark.integration

SMALL = {
    "budget": 5,
    "proxy": "tiny",
    "prepare.num_validation": 100,
    "search.num_searches": 2,
    "search.num_control": 3,
    "search.num_blocks": 2,
    "retrain.num_top": 1,
    "retrain.num_random": 2,
    "retrain.image_px": 8,
    "retrain.mult_adds": 400_000,
    "retrain.recipe.num_epochs": 1,
    "retrain.final_image_px": 8,
    "retrain.final_mult_adds": 500_000,
    "retrain.final_num_seeds": 1,
    "retrain.final_recipe.num_epochs": 1,
    "retrain.max_failed_fraction": 0.5,
}


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """A store of the test's own."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"store_uri: {tmp_path}/store\nnum_jobs: 1\ndefault: {{num_cpus: 1.0}}\n")
    return str(path)


@pytest.fixture
def data(tmp_path: Path) -> str:
    folder = tmp_path / "images"
    write_packed(folder, "train", coloured(400))
    write_packed(folder, "test", coloured(90, seed=1))
    return str(folder)


@pytest.mark.timeout(600)
def test_cells_are_searched_retrained_and_reported_although_the_driver_is_killed(
    servers: Ports, profile: str, data: str, tmp_path: Path
) -> None:
    lines: list[str] = []
    out, store = tmp_path / "out", tmp_path / "store"
    children_seen: list[set[Path]] = []

    def made() -> set[Path]:
        return set(store.glob("search_cells/nas.search/items/*/manifest.json"))

    def kill() -> None:
        until(lambda: len(made()) >= 5)
        (driver, *_) = drivers("search:search_cells")
        driver.kill()
        children_seen.append(made())

    conf = SMALL | {"data": data, "report.export_to": str(out)}
    with meanwhile(kill):
        result = run_headless("search_cells", conf, profile=profile, on_line=lines.append)
    assert result.state == "success", result.log.read_text()[-5000:]
    assert children_seen[0] <= made(), "what was trained before the kill is kept"
    assert any("children/s" in line for line in lines), "progress speaks of children"

    retrained = read(store, result.results["retrain"][0], RetrainedCells)
    log = retrained.search
    assert [sum(t.search == name and t.rung == 0 for t in log.trials) for name in log.searches] == [
        *(5, 5, 3)
    ]
    trained = [trial for trial in log.trials if not trial.is_reused]
    assert len(trained) == len({(t.genotype_hash, t.rung) for t in trained}) == len(made())

    report = read(store, result.results["report"][0], SearchReport)
    assert report.genotype_hash == retrained.winner
    assert read_genotype(out / "genotype.json") == report.genotype.genotype()
    assert (out / "report.html").is_file()
    runs = {run["info"]["run_name"]: run for run in children(servers, result.mlflow_run_id)}
    assert {"nas.prepare", "nas.search", "nas.retrain", "nas.report"} <= runs.keys()
    assert metrics_of(runs["nas.report"]) == pytest.approx(report.figures)
    promoted = children(servers, runs["nas.report"]["info"]["run_id"])
    assert {trial.genotype_hash for trial in log.trials if trial.rung == 1}
    assert len(promoted) >= 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": "/nowhere"}, "expected a folder, found none at /nowhere"),
        ({"strategy": "luck"}, "strategy"),
    ],
)
def test_bad_settings_fail_with_a_clear_message(
    servers: Ports, profile: str, data: str, wrong: dict[str, Any], said: str
) -> None:
    lines: list[str] = []
    conf = SMALL | {"data": data} | wrong
    result = run_headless("search_cells", conf, profile=profile, on_line=lines.append)
    assert result.state == "failed"
    assert "search" not in result.results
    assert any(said in line for line in lines), json.dumps(lines[-20:])


def read(store: Path, ref: Any, record_type: Any) -> Any:
    return read_artifact(Storage(str(store)), ref).record(record_type, ref.uri)
