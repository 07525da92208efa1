"""The stages from photos to publication, on small simulated captures."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import pytest

from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.panorama.config import (
    IngestConfig,
    MatchConfig,
    PublishConfig,
    RenderConfig,
    SolveConfig,
)
from tasks.panorama.manifests import Publication, RenderSet
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.publish import publish_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures

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
    assert len(quality["gains_bgr"]) == capture.num_images == 4
    assert b"GPano:CroppedAreaTopPixels" in run.fetch(capture.panorama).read_bytes()[:3000]


def test_refused_repair_keeps_the_stitch_and_its_reason(solved):
    run, warps = solved
    strict = RenderConfig(width_px=1024, min_held_out=100_000)

    (capture,) = run.read(run.run(render_captures, warps, config=strict), RenderSet).captures

    assert capture.published == "unrepaired"
    assert not capture.is_repaired
    assert any("held-out matches" in reason for reason in capture.reasons)
    assert cv2.imread(str(run.fetch(capture.panorama))) is not None


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
