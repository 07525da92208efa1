"""The stages from photos to publication, on small simulated captures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.panorama.algorithms.match.matching import MatchedPair, match_pairs
from tasks.panorama.config import (
    IngestConfig,
    MatchConfig,
    PublishConfig,
    RenderConfig,
    SolveConfig,
)
from tasks.panorama.input.rig_files import hugin
from tasks.panorama.manifests import Publication, RenderSet
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.stages import match
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.publish import publish_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures
from tests.support.panorama.captures import small_rig, write_capture

CONFIG = RenderConfig(width_px=1024)


@pytest.fixture(scope="module")
def solved(tmp_path_factory) -> tuple[LocalRun, ArtifactRef]:
    folder = tmp_path_factory.mktemp("render")
    settings = SimulationConfig(
        scene="street",
        num_cameras=4,
        width_px=192,
        height_px=256,
        panorama_width_px=1024,
        depth_maps=False,
        rotation_error_deg=0.5,
    )
    simulate_capture(folder / "captures" / "street", settings)
    run = LocalRun(folder / "store")
    (group,) = run.run(ingest_captures, config=IngestConfig(captures=str(folder / "captures")))
    matches = run.run(match_captures, group, config=MatchConfig(held_out_share=0.4))
    return run, run.run(solve_captures, matches, config=SolveConfig())


@pytest.fixture(scope="module")
def rendered(solved) -> ArtifactRef:
    run, warps = solved
    return run.run(render_captures, warps, config=CONFIG)


def test_capture_comes_out_better(solved, rendered):
    run, _ = solved
    (capture,) = run.read(rendered, RenderSet).captures

    assert capture.is_repaired
    before, after = capture.figures["unrepaired"], capture.figures[capture.published]
    assert after["held_out_mean_px"] < before["held_out_mean_px"]
    assert after["true_mean_px"] < 0.5 * before["true_mean_px"]
    assert after["overlap_ssim"] > before["overlap_ssim"]
    assert after["psnr_db"] > before["psnr_db"]
    assert {"seam_step", "seam_excess_worst"} <= set(before)
    assert set(capture.figures) == {"unrepaired", "recalibrated", "warped"}
    assert (capture.verdict, capture.doubts) == ("good", ())
    assert {overlap.verdict for overlap in capture.overlaps} == {"good"}


def test_files_can_be_opened(solved, rendered):
    run, _ = solved
    (capture,) = run.read(rendered, RenderSet).captures

    assert cv2.imread(str(run.fetch(capture.panorama))).shape[1] <= 1024
    for file in (capture.before, capture.before_after, *capture.crops):
        assert cv2.imread(str(run.fetch(file))) is not None
    assert {each.title for each in capture.view.photos} == {f"level_{k}" for k in range(4)}
    assert len(capture.view.worst) == len(capture.crops)
    quality = json.loads(run.fetch(capture.quality).read_text("utf-8"))
    assert quality["published"] == capture.published
    assert quality["figures"] == capture.figures
    assert len(quality["gains_bgr"]) == quality["num_images"] == 4
    assert b"GPano:CroppedAreaTopPixels" in run.fetch(capture.panorama).read_bytes()[:3000]


def test_refused_repair_keeps_the_stitch_and_its_reason(solved):
    run, warps = solved
    strict = RenderConfig(width_px=1024, min_held_out=100_000)

    (capture,) = run.read(run.run(render_captures, warps, config=strict), RenderSet).captures

    assert capture.published == "unrepaired"
    assert not capture.is_repaired
    assert any("held-out matches" in reason for reason in capture.reasons)
    assert cv2.imread(str(run.fetch(capture.panorama))) is not None


def test_an_overlap_whose_matches_mislead_is_held_and_named(solved, tmp_path, monkeypatch):
    run, _ = solved
    captures = str(run.folder.parent / "captures")

    def misled(*given) -> Iterator[MatchedPair]:
        for found in match_pairs(*given):
            matches = found.matches
            off_px = (14.0, -8.0) if found.pair == (1, 2) else (0.0, 0.0)
            yield replace(found, matches=replace(matches, points_b_px=matches.points_b_px + off_px))

    monkeypatch.setattr(match, "match_pairs", misled)
    own = LocalRun(tmp_path / "store")
    (group,) = own.run(ingest_captures, config=IngestConfig(captures=captures))
    matches = own.run(match_captures, group, config=MatchConfig(held_out_share=0.4))
    warps = own.run(solve_captures, matches, config=SolveConfig())
    (capture,) = own.read(own.run(render_captures, warps, config=CONFIG), RenderSet).captures

    assert capture.published == "refitted"
    assert any("SSIM falls on overlap 1-2" in reason for reason in capture.reasons)
    held = "level_1 and level_2 are held as the calibration has them"
    assert any(held in warning for warning in capture.warnings)
    before, after = capture.figures["unrepaired"], capture.figures["refitted"]
    assert after["psnr_db"] > before["psnr_db"]
    quality = json.loads(own.fetch(capture.quality).read_text("utf-8"))
    assert quality["warnings"] == list(capture.warnings)


def test_a_photo_that_vanished_is_listed_and_fails_no_stage(solved, tmp_path):
    run, warps = solved
    (photo, *_) = (run.folder.parent / "captures" / "street" / "images").iterdir()
    photo.rename(tmp_path / "away")
    try:
        ref = run.run(render_captures, warps, config=replace(CONFIG, max_skipped_fraction=1.0))
    finally:
        (tmp_path / "away").rename(photo)
    (skipped,) = run.read(ref, RenderSet).skipped
    assert photo.name in skipped.reason
    assert skipped.may_pass


def test_what_a_mask_hides_shows_nowhere_however_it_is_given(tmp_path):
    """A mask file over purple and a project's mask over green; the other photos see behind it."""
    rig = small_rig(step_deg=25.0)
    for name, colour in (("file", (255, 0, 255)), ("project", (0, 255, 0)), ("clean", None)):
        folder = write_capture(tmp_path / "captures" / name, rig, with_rig=False)
        hugin.write_rig(folder / "capture.pto", rig)
        photo = cv2.imread(str(folder / "images" / "camera1.jpg"))
        (folder / "images" / "camera1.jpg").unlink()
        if colour:
            photo[40:61, 20:77] = photo[90:111, 40:51] = colour
        cv2.imwrite(str(folder / "images" / "camera1.png"), photo)
    mask = np.full((128, 96), 255, np.uint8)
    mask[40:61, 20:77] = mask[90:111, 40:51] = 0
    (tmp_path / "captures" / "file" / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "captures" / "file" / "masks" / "camera1.png"), mask)
    with (tmp_path / "captures" / "project" / "capture.pto").open("a") as lines:
        lines.write('k i1 t0 p"20 40 76 40 76 60 20 60"\nk i1 t0 p"40 90 50 90 50 110 40 110"\n')
    run = LocalRun(tmp_path / "store")
    (group,) = run.run(ingest_captures, config=IngestConfig(captures=str(tmp_path / "captures")))
    matches = run.run(match_captures, group, config=MatchConfig())
    fields = run.run(solve_captures, matches, config=SolveConfig(num_cells=4))
    ref = run.run(render_captures, fields, config=RenderConfig(width_px=512))

    clean, file, project = run.read(ref, RenderSet).captures
    assert file.panorama.sha256 == project.panorama.sha256 != clean.panorama.sha256
    assert file.before.sha256 == project.before.sha256
    assert file.figures == project.figures
    assert file.published_figures["masked_pixels_published"] == 0.0
    pictures = [cv2.imread(str(run.fetch(each.before))).astype(int) for each in (file, clean)]
    assert np.abs(pictures[0] - pictures[1]).mean() < 4


def test_a_capture_with_a_black_photo_is_rejected_and_its_neighbours_fill_the_place(tmp_path):
    folder = write_capture(tmp_path / "captures" / "lost", small_rig(step_deg=15.0))
    black = np.zeros((128, 96, 3), np.uint8)
    cv2.imwrite(str(folder / "images" / "camera1.jpg"), black)
    run = LocalRun(tmp_path / "store")
    (group,) = run.run(ingest_captures, config=IngestConfig(captures=str(tmp_path / "captures")))
    matches = run.run(match_captures, group, config=MatchConfig())
    fields = run.run(solve_captures, matches, config=SolveConfig(num_cells=4))
    panoramas = run.run(render_captures, fields, config=RenderConfig(width_px=512))

    (capture,) = run.read(panoramas, RenderSet).captures
    assert (capture.verdict, capture.doubts) == ("rejected", ("photo camera1: it is black",))
    (overlap,) = capture.overlaps
    assert (overlap.first, overlap.second, overlap.verdict) == ("camera0", "camera2", "good")
    assert overlap.similarity > 0.8
    quality = json.loads(run.fetch(capture.quality).read_text("utf-8"))
    assert quality["verdict"] == "rejected"
    assert quality["doubts"] == list(capture.doubts)
    assert quality["left_out"] == {"camera1": "it is black"}
    assert quality["overlaps"][0]["similarity"] == overlap.similarity
    panorama = cv2.imread(str(run.fetch(capture.panorama)))
    assert (panorama[40:-40].max(axis=2) > 20).mean() > 0.98, "no hole in the middle"


def test_publication_follows(solved, rendered):
    run, _ = solved

    found = run.read(run.run(publish_captures, [rendered], config=PublishConfig()), Publication)

    assert found.num_repaired == 1
    assert found.figures["true_mean_px_after"] < found.figures["true_mean_px_before"]
    assert found.contact_sheet is not None


def test_photos_that_do_not_fit_into_memory_give_the_same_bytes(solved, rendered, monkeypatch):
    run, warps = solved
    (before,) = run.read(rendered, RenderSet).captures
    monkeypatch.setattr("tasks.panorama.kept_files.MAX_KEPT_BYTES", 0)
    monkeypatch.setattr("tasks.panorama.algorithms.light.exposure._ROWS_AT_ONCE", 100)
    other = replace(CONFIG, max_skipped_fraction=0.4)  # so that it is made again
    (after,) = run.read(run.run(render_captures, warps, config=other), RenderSet).captures
    assert (after.panorama.sha256, after.figures) == (before.panorama.sha256, before.figures)
