"""Small runs: one for each pipeline, and its files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.chaos.work import DAGS, sample, small


def test_each_pipeline_has_a_small_run(tmp_path: Path) -> None:
    for dag in DAGS:
        work = small(dag.stem, tmp_path / dag.stem)
        assert work.dag_id == dag.stem
        assert "{folder}" not in str(work.conf)
    assert list((tmp_path / "restitch").rglob("*.jpg")) or list(
        (tmp_path / "restitch").rglob("*.png")
    )


def test_other_numbers_share_no_result() -> None:
    assert sample(0) == sample()
    assert sample(1).conf != sample().conf
