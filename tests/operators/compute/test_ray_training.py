"""Plain torch loops on Ray Train's workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.compute.ray_executor import RayExecutor
from tests.support.kernel.training_loops import count_steps, report_steps

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray\\.data"),
]


def test_training_runs_on_ray(ray_cluster: str, tmp_path: Path) -> None:
    executor = RayExecutor.connect(ray_cluster).granted(0.5, 0.0, None, str(tmp_path / "t/k"))
    assert executor.train(report_steps, {"num_steps": 4}, 1) == {"loss": 0.25, "step": 3}


@pytest.mark.slow
def test_training_goes_on_from_its_checkpoint_on_ray(ray_cluster: str, tmp_path: Path) -> None:
    executor = RayExecutor.connect(ray_cluster).granted(0.5, 0.0, None, str(tmp_path / "t/k"))
    assert executor.train(count_steps, {"num_steps": 4}, 2) == {"loss": 0.25, "step": 3}
