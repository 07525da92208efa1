"""Children that hang or hoard memory: listed with the reason, while the search goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.nas.config import SearchConfig
from tasks.nas.manifests import SearchLog
from tasks.nas.stages.search import search_cells
from tests.support.kernel.live_runs import end_idle_workers
from tests.support.nas.image_sets import prepared

pytestmark = pytest.mark.integration

CONFIG = SearchConfig(
    proxy="32px", num_children=2, num_control=1, num_blocks=2, max_failed_fraction=1.0
)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("limit_s: 0.1", r"its worker died|passed its time limit of 0.1 s"),
        ("memory_gb: 0.02", r"passed its memory limit of 0.02 GB"),
    ],
)
def test_children_that_pass_a_limit_are_listed(
    ray_cluster: str, tmp_path: Path, limit: str, reason: str
) -> None:
    from operators.compute.ray_executor import RayExecutor

    end_idle_workers()  # what other tests' items left free in them would come on top of the limit
    profile = tmp_path / "limited.yaml"
    profile.write_text(
        f"store_uri: {tmp_path}/store\nray_address: auto\ndefault: {{num_cpus: 1.0, {limit}}}\n"
    )
    local = LocalRun(tmp_path / "store", profile=str(profile))
    images = prepared(LocalRun(tmp_path / "store"), tmp_path / "set", side_px=32)
    request = local.request(search_cells, images, config=CONFIG)
    (found,) = run_stage(request, RayExecutor())
    log = local.read(found, SearchLog)
    assert len(log.trials) == 3
    assert all(trial.accuracy is None for trial in log.trials)
    for trial in log.trials:
        assert "(tried 2 times)" in trial.reason
        assert re.search(reason, trial.reason), trial.reason
