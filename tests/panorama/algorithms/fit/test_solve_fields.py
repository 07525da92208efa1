from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.panorama.algorithms.fit.solve_fields import solve_fields
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.config import SolveConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Correspondences, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig

PAIRS = [(0, 1), (1, 2)]
CONFIG = SolveConfig(num_cells=5)


def _truth(rig: Rig) -> Alignment:
    rng = np.random.default_rng(7)
    fields = [
        SplineField(rng.uniform(-4, 4, (6, 5, 2)), c.width_px, c.height_px) for c in rig.cameras
    ]
    return Alignment(rig, tuple(fields))


def _case() -> tuple[Rig, Correspondences, Correspondences]:
    rig = ring_rig(3, 25.0)
    truth = _truth(rig)
    return rig, matches_under(truth, PAIRS, 600), matches_under(truth, PAIRS, 300, seed=9)


def test_fields_align_matches_that_were_not_fitted() -> None:
    rig, fitted, others = _case()
    before = errors_px(Alignment(rig, (None,) * 3), others)
    fields = solve_fields(fitted, rig, CONFIG)
    after = errors_px(Alignment(rig, fields), others)
    assert before.mean() > 2.5
    assert after.mean() < 0.2 * before.mean()


def test_wrong_matches_do_little_harm() -> None:
    rig, fitted, others = _case()
    before = errors_px(Alignment(rig, (None,) * 3), others).mean()
    wrong = np.random.default_rng(3).random(len(fitted)) < 0.05
    points_b = np.where(wrong[:, None], fitted.points_b_px + 40.0, fitted.points_b_px)
    spoiled = replace(fitted, points_b_px=points_b)
    after = errors_px(Alignment(rig, solve_fields(spoiled, rig, CONFIG)), others).mean()
    # Plain least squares would be drawn by 5 % of 130 px, more than what there is to align.
    assert after < 0.1 * before


def test_without_gauge_wrong_matches_stretch_all_images_alike() -> None:
    """The reason for the gauge: 5 % of matches that agree with each other, and nothing holds."""
    rig, fitted, others = _case()
    wrong = np.random.default_rng(3).random(len(fitted)) < 0.05
    points_b = np.where(wrong[:, None], fitted.points_b_px + 40.0, fitted.points_b_px)
    spoiled = replace(fitted, points_b_px=points_b)
    loose = replace(CONFIG, ridge=0.003, bending=0.01)
    means = [
        errors_px(Alignment(rig, solve_fields(spoiled, rig, config)), others).mean()
        for config in (replace(loose, gauge=0.0), loose)
    ]
    assert means[0] > 10 * means[1]


def test_aligned_matches_leave_the_images_alone() -> None:
    rig = ring_rig(3, 25.0)
    matches = matches_under(Alignment(rig, (None,) * 3), PAIRS, 300)
    for field in solve_fields(matches, rig, CONFIG):
        np.testing.assert_allclose(field.control_px, 0.0, atol=1e-6)


def test_no_matches_give_no_warp() -> None:
    rig, fitted, _ = _case()
    for field in solve_fields(fitted.select(np.zeros(len(fitted), bool)), rig, CONFIG):
        assert not field.control_px.any()


def test_a_difference_is_split_in_halves() -> None:
    """One image shifted by 4 px: both move by 2 px where they meet, in opposite directions."""
    rig = ring_rig(2, 25.0)
    matches = matches_under(Alignment(rig, (None, None)), [(0, 1)], 400)
    shifted = replace(matches, points_b_px=matches.points_b_px + np.array([4.0, 0.0]))
    first, second = solve_fields(shifted, rig, CONFIG)
    move_a = first.sample(shifted.points_a_px)[:, 0].mean()
    move_b = second.sample(shifted.points_b_px)[:, 0].mean()
    np.testing.assert_allclose([move_a, move_b], [2.0, -2.0], atol=0.25)


def test_more_bending_weight_bends_less() -> None:
    rig, fitted, _ = _case()
    bent = [
        sum(f.bending() for f in solve_fields(fitted, rig, SolveConfig(num_cells=5, bending=w)))
        for w in (0.05, 0.5, 5.0)
    ]
    assert bent[0] > 1.5 * bent[1] > 3 * bent[2]
