from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.metrics.true_figures import true_fidelity, true_misalignment
from tasks.panorama.types import Alignment, Photometry, Rig, TruePoints, Truth
from tests.support.panorama.matches import matches_under
from tests.support.panorama.spheres import pinhole

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


def test_misalignment_is_told(truth):
    right = true_misalignment(truth, Alignment(TRUE, NONE))
    wrong = true_misalignment(truth, Alignment(OFF, NONE))

    assert right["true_mean_px"] < 1e-6
    assert wrong["true_mean_px"] == pytest.approx(4096 / 360, rel=0.1)
    assert wrong["true_p95_px"] >= wrong["true_mean_px"]


def test_fidelity_is_told_at_any_size(truth):
    picture, covered = np.full((32, 64, 3), 110, np.uint8), np.ones((32, 64), bool)

    found = true_fidelity(truth, picture, covered)

    assert found == {"psnr_db": pytest.approx(20 * np.log10(255 / 10), abs=0.01)}


def test_sky_and_what_is_not_covered_do_not_count(truth):
    picture, covered = np.full((32, 64, 3), 100, np.uint8), np.ones((32, 64), bool)
    picture[:8], picture[8:16] = 0, 255
    covered[:8] = False
    sky = np.zeros((64, 128), bool)
    sky[16:32] = True

    assert true_fidelity(replace(truth, panorama_is_sky=sky), picture, covered)["psnr_db"] > 50


def test_what_cannot_be_told_is_left_out(truth):
    picture, covered = np.zeros((32, 64, 3), np.uint8), np.zeros((32, 64), bool)
    all_sky = replace(truth, points=replace(truth.points, is_sky=truth.points.is_sky | True))

    assert true_fidelity(truth, picture, covered) == {}
    assert true_fidelity(replace(truth, panorama=None), picture, ~covered) == {}
    assert true_misalignment(all_sky, Alignment(TRUE, NONE)) == {}
