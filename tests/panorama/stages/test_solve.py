from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from operators.stage.local import LocalRun
from tasks.panorama.config import IngestConfig, MatchConfig, SolveConfig
from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.kept_files import (
    KERNEL,
    RECALIBRATED,
    WARPED,
    read_correspondences,
    read_solution,
)
from tasks.panorama.manifests import WarpSet
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.solve import solve_captures
from tasks.panorama.types import UNREPAIRED, Rig
from tests.support.panorama.captures import small_rig, write_capture

CONFIG = SolveConfig(num_cells=4, baselines=True)


def _miscalibrated() -> Rig:
    rig = small_rig()
    turn = Rotation.from_euler("xyz", [0.6, -0.8, 0.5], degrees=True).as_matrix()
    middle = rig.cameras[1]
    wrong = replace(middle, camera_from_rig=turn @ middle.camera_from_rig)
    return Rig((rig.cameras[0], wrong, rig.cameras[2]))


@pytest.fixture
def archive(tmp_path):
    folder = write_capture(tmp_path / "archive" / "turned", with_rig=False)
    write_rig(folder / "sparse", _miscalibrated())
    return tmp_path / "archive"


def run_solve(folder, archive, config=CONFIG):
    run = LocalRun(folder / "store")
    (captures,) = run.run(ingest_captures, config=IngestConfig(captures=str(archive)))
    matches = run.run(match_captures, captures, config=MatchConfig())
    ref = run.run(solve_captures, matches, config=config)
    return run, ref, run.read(ref, WarpSet)


def test_the_fits_are_committed_and_align(tmp_path, archive):
    run, _, found = run_solve(tmp_path, archive)
    (record,) = found.captures
    figures = record.figures
    nominal_px = figures[f"{UNREPAIRED}_held_out_mean_px"]
    assert nominal_px > 4
    assert figures[f"{RECALIBRATED}_held_out_mean_px"] < nominal_px
    assert figures[f"{WARPED}_held_out_mean_px"] < 0.35 * nominal_px
    assert figures[f"{KERNEL}_held_out_mean_px"] < nominal_px
    assert 0 < figures[f"{WARPED}_bending"] < 1e-6
    assert record.warnings == ()
    solution = read_solution(record, run.fetch)
    assert set(solution.ways) == {UNREPAIRED, RECALIBRATED, WARPED}
    assert set(solution.baselines) == {KERNEL}
    matches = read_correspondences(run.fetch(record.correspondences))
    assert len(solution.matches) == len(matches)
    assert 0 < solution.matches.held_out.sum() < len(matches)
    assert record.settings == CONFIG
    np.testing.assert_allclose(solution.photometry.gains, 1.0, atol=0.05)


def test_without_baselines_none_are_kept(tmp_path, archive):
    run, _, found = run_solve(tmp_path, archive, replace(CONFIG, baselines=False))
    (record,) = found.captures
    assert record.baseline_fields is None
    assert not read_solution(record, run.fetch).baselines
    assert not any(name.startswith(KERNEL) for name in record.figures)


def test_a_second_run_gives_the_same_result(tmp_path, archive):
    _, one, _ = run_solve(tmp_path / "one", archive)
    _, other, _ = run_solve(tmp_path / "other", archive)
    assert one == other


def test_a_capture_without_matches_stays_as_it_is(tmp_path, archive):
    for path in (archive / "turned" / "images").iterdir():
        cv2.imwrite(str(path), np.full((128, 96, 3), 90, np.uint8))
    run, _, found = run_solve(tmp_path, archive)
    (record,) = found.captures
    solution = read_solution(record, run.fetch)
    for nominal, refined in zip(
        solution.ways[UNREPAIRED].rig.cameras, solution.ways[RECALIBRATED].rig.cameras, strict=True
    ):
        np.testing.assert_array_equal(nominal.camera_from_rig, refined.camera_from_rig)
    for field in solution.ways[WARPED].fields:
        assert not field.sample(np.array([[10.0, 20.0]])).any()
