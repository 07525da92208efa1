from __future__ import annotations

import cv2
import numpy as np
import pytest

from operators.compute.serial import SerialExecutor
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.core.errors import DataError
from tasks.panorama.config import IngestConfig, MatchConfig
from tasks.panorama.kept_files import read_correspondences, read_rig
from tasks.panorama.manifests import MatchSet
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.types import Alignment
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.panorama.captures import write_capture

CONFIG = MatchConfig()


@pytest.fixture
def archive(tmp_path):
    for name in ("first", "second"):
        write_capture(tmp_path / "archive" / name)
    return tmp_path / "archive"


def run_match(folder, archive, config=CONFIG, ingest=None):
    run = LocalRun(folder / "store")
    (captures,) = run.run(ingest_captures, config=ingest or IngestConfig(captures=str(archive)))
    ref = run.run(match_captures, captures, config=config)
    return run, ref, run.read(ref, MatchSet)


def test_matches_flow_and_counts_are_committed(tmp_path, archive):
    run, _, found = run_match(tmp_path, archive)
    assert [record.item_id for record in found.captures] == ["first", "second"]
    record = found.captures[0]
    matches = read_correspondences(run.fetch(record.correspondences))
    assert len(matches) == record.figures["num_matches"] > 50
    assert matches.held_out.sum() == record.figures["num_held_out"]
    rig = read_rig(record.capture, run.fetch)
    assert 0 < errors_px(Alignment(rig, (None,) * 3), matches).mean() < 3  # the rig is true
    assert record.figures["num_overlaps"] == 2
    assert cv2.imread(str(run.fetch(record.flow))).shape[1] == 1280


def test_a_second_run_adopts_the_first(tmp_path, archive):
    _, one, _ = run_match(tmp_path, archive)
    _, other, _ = run_match(tmp_path, archive)
    assert one == other


def test_other_settings_give_other_matches(tmp_path, archive):
    _, _, fine = run_match(tmp_path, archive)
    _, _, coarse = run_match(tmp_path, archive, MatchConfig(blocks_per_side=16))
    assert coarse.captures[0].figures["num_matches"] < fine.captures[0].figures["num_matches"]


def test_flat_photos_give_no_matches_and_go_on(tmp_path, archive):
    for path in (archive / "second" / "images").iterdir():
        cv2.imwrite(str(path), np.full((128, 96, 3), 90, np.uint8))
    run, _, found = run_match(tmp_path, archive)
    record = found.captures[1]
    assert record.figures["num_matches"] == 0
    assert record.figures["num_overlaps_without_matches"] == record.figures["num_overlaps"]
    assert len(read_correspondences(run.fetch(record.correspondences))) == 0


def test_a_photo_that_vanished_is_listed_and_the_rest_goes_on(tmp_path, archive):
    run = LocalRun(tmp_path / "store")
    (captures,) = run.run(ingest_captures, config=IngestConfig(captures=str(archive)))
    photo = archive / "second" / "images" / "camera1.jpg"
    photo.rename(tmp_path / "away")
    found = run.read(run.run(match_captures, captures, config=CONFIG), MatchSet)
    assert [record.item_id for record in found.captures] == ["first"]
    assert [skipped.item_id for skipped in found.skipped] == ["second"]
    assert "camera1.jpg" in found.skipped[0].reason
    (tmp_path / "away").rename(photo)
    found = run.read(run.run(match_captures, captures, config=CONFIG), MatchSet)
    assert [record.item_id for record in found.captures] == ["first", "second"], "it came back"


def test_pictures_of_captures_that_the_run_made_are_shown_and_no_others(tmp_path, archive):
    run, shown = LocalRun(tmp_path / "store"), []
    for night in range(2):
        (captures,) = run.run(ingest_captures, config=IngestConfig(captures=str(archive)))
        tracker = FolderTracker(tmp_path / f"night-{night}")
        run_stage(run.request(match_captures, captures, config=CONFIG), SerialExecutor(), tracker)
        shown.append(sorted(path.parent.name for path in tracker.folder.glob("*/flow.jpg")))
        write_capture(archive / "third", sphere_px=480)
    assert shown == [["first", "second"], ["third"]]


def test_too_many_bad_captures_fail(tmp_path, archive):
    run = LocalRun(tmp_path / "store")
    (captures,) = run.run(ingest_captures, config=IngestConfig(captures=str(archive)))
    (archive / "second" / "images" / "camera1.jpg").unlink()
    with pytest.raises(DataError, match="1 of 2 items can't be used"):
        run.run(match_captures, captures, config=MatchConfig(max_skipped_fraction=0.2))
