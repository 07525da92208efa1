"""A whole run of `transfer_cells`: Airflow, Ray and MLflow together, and the model registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operators.stack.headless import run_headless
from operators.stack.services import Ports
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.space.published import published
from tests.support.kernel.live_runs import children, mlflow
from tests.support.nas.transfer_runs import packed_set

pytestmark = pytest.mark.integration

SMALL = {
    "prepare_transfer.num_validation": 30,
    "prepare_transfer.num_cifar_validation": 30,
    "prepare_transfer.boxes.side_px": 32,
    "prepare_transfer.boxes.num_train": 8,
    "prepare_transfer.boxes.num_test": 6,
    "transfer.small.mult_adds": 200_000,
    "transfer.medium.mult_adds": 0,
    "transfer.large.mult_adds": 0,
    "transfer.num_seeds": 1,
    "transfer.recipe.num_epochs": 1,
    "transfer.recipe.batch_size": 20,
    "transfer.cifar_recipe.num_epochs": 1,
    "transfer.cifar_recipe.batch_size": 20,
    "detect.mult_adds": 3_000_000,
    "detect.num_seeds": 1,
    "detect.detector.finest_stride": 2,
    "detect.detector.neck_channels": 8,
    "detect.detector.head_units": 16,
    "detect.detector.num_proposals": 20,
    "detect.recipe.num_steps": 4,
    "detect.recipe.batch_size": 2,
    "detect.recipe.num_evaluations": 2,
    "register.models": "tried",
}


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """A store of the test's own."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"store_uri: {tmp_path}/store\nnum_jobs: 1\ndefault: {{num_cpus: 1.0}}\n")
    return str(path)


@pytest.mark.timeout(900)
def test_cells_are_transferred_detect_and_become_champion(
    servers: Ports, profile: str, tmp_path: Path
) -> None:
    genotype, out = tmp_path / "cells.json", tmp_path / "out"
    genotype.write_text(genotype_json(published("amoebanet_a")))
    conf: dict[str, Any] = SMALL | {
        "genotype": str(genotype),
        "data": str(packed_set(tmp_path / "larger", 16)),
        "cifar": str(packed_set(tmp_path / "small", 8)),
        "compare.export_to": str(out),
    }
    result = run_headless("transfer_cells", conf, profile=profile, on_line=lambda _: None)
    assert result.state == "success", result.log.read_text()[-5000:]
    assert set(result.results) == {
        *("choose", "prepare_transfer", "transfer", "detect", "register", "compare")
    }
    assert (out / "report.html").is_file()
    names = {run["info"]["run_name"] for run in children(servers, result.mlflow_run_id)}
    assert {"nas.transfer", "nas.detect", "nas.register", "nas.compare"} <= names
    found = mlflow(servers, "registered-models/search")["registered_models"]
    (model,) = [each for each in found if each["name"].startswith("tried")]
    assert [each["alias"] for each in model["aliases"]] == ["champion"]
