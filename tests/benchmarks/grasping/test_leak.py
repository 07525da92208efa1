"""What poses alone tell, measured on what the pipeline collects."""

from __future__ import annotations

from pathlib import Path

from benchmarks.grasping.leak import collected, figures_of
from tests.support.grasping.pose_rows import pose_rows


def test_rows_are_collected_with_their_poses(tmp_path: Path) -> None:
    found = collected(5, 1, tmp_path)
    assert len(found) == 12
    (scene,) = set(found["scene_id"].to_pylist())
    assert scene.startswith("train-5-0000000-")
    assert set(found["steps"].to_pylist()[0][0]) == {"target", "reached"}


def test_figures_have_intervals() -> None:
    figures = figures_of(pose_rows(40))
    assert figures.keys() == {"pose_only_auc_command", "pose_only_auc_motion"}
    for figure in figures.values():
        low, high = figure.interval
        assert low < figure.value < high
