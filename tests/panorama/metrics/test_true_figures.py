from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.metrics.true_figures import true_figures
from tasks.panorama.simulation.truth import TruePoints, Truth
from tasks.panorama.types import Alignment, Photometry, Rig
from tests.support.matches import matches_under
from tests.support.spheres import pinhole

TRUE = Rig((pinhole("a", -20, 0), pinhole("b", 20, 0)))
OFF = Rig((TRUE.cameras[0], pinhole("b", 21.0, 0.0)))
NONE = (None, None)


@pytest.fixture
def truth() -> Truth:
    matches = matches_under(Alignment(TRUE, NONE), [(0, 1)], 200)
    sky = np.arange(len(matches)) % 2 == 0
    points = TruePoints(
        matches.image_a,
        matches.image_b,
        matches.points_a_px,
        matches.points_b_px + 50.0 * sky[:, None],
        sky,
    )
    panorama = np.full((64, 128, 3), 100, np.uint8)
    return Truth(
        TRUE, Photometry(np.ones((2, 3)), (0, 0)), points, panorama, panorama[..., 0] < 0, ()
    )


def test_misalignment_and_fidelity_are_told(truth):
    picture, covered = np.full((32, 64, 3), 110, np.uint8), np.ones((32, 64), bool)

    right = true_figures(truth, Alignment(TRUE, NONE), picture, covered)
    wrong = true_figures(truth, Alignment(OFF, NONE), picture, covered)

    assert right["true_mean_px"] < 1e-6
    assert wrong["true_mean_px"] == pytest.approx(4096 / 360, rel=0.1)
    assert wrong["true_p95_px"] >= wrong["true_mean_px"]
    assert right["psnr_db"] == pytest.approx(20 * np.log10(255 / 10), abs=0.01)


def test_sky_and_what_is_not_covered_do_not_count(truth):
    picture, covered = np.full((32, 64, 3), 100, np.uint8), np.ones((32, 64), bool)
    picture[:8], picture[8:16] = 0, 255
    covered[:8] = False
    sky = np.zeros((64, 128), bool)
    sky[16:32] = True

    figures = true_figures(
        replace(truth, panorama_is_sky=sky), Alignment(TRUE, NONE), picture, covered
    )

    assert figures["psnr_db"] > 50


def test_what_cannot_be_told_is_left_out(truth):
    picture, covered = np.zeros((32, 64, 3), np.uint8), np.zeros((32, 64), bool)

    assert "psnr_db" not in true_figures(truth, Alignment(TRUE, NONE), picture, covered)
    blind = replace(truth, panorama=None, panorama_is_sky=None)
    assert set(true_figures(blind, Alignment(TRUE, NONE), picture, covered)) == {
        "true_mean_px",
        "true_p95_px",
    }
