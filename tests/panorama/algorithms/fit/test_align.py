from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.align import align_images
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.config import SolveConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Correspondences, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig

PAIRS = [(i, (i + 1) % 6) for i in range(6)]
CONFIG = SolveConfig(num_cells=5, baselines=True, kernel_sigma_px=12.0)


def _case() -> tuple[Rig, Correspondences]:
    """A ring whose images are smoothly bent; a fifth of the matches is held out."""
    rig = ring_rig(6, 60.0, width_px=320)
    rng = np.random.default_rng(2)
    fields = [
        SplineField(rng.uniform(-3, 3, (7, 7, 2)), c.width_px, c.height_px) for c in rig.cameras
    ]
    matches = matches_under(Alignment(rig, tuple(fields)), PAIRS, 900)
    return rig, replace(matches, held_out=rng.random(len(matches)) < 0.2)


def test_each_step_aligns_better_on_matches_that_no_fit_saw() -> None:
    rig, matches = _case()
    fitted = align_images(matches, rig, CONFIG)
    assert fitted.kernel is not None
    judges = matches.select(matches.held_out)
    means = [
        errors_px(alignment, judges).mean()
        for alignment in (fitted.nominal, fitted.recalibrated, fitted.kernel, fitted.warped)
    ]
    assert means[0] > means[1] > means[2] > means[3]
    assert means[3] < 0.15 * means[0]
    assert fitted.bending == CONFIG.bending


def test_held_out_matches_have_no_say() -> None:
    rig, matches = _case()
    moved = matches.points_b_px + 9.0 * matches.held_out[:, None]
    spoiled = replace(matches, points_b_px=moved)
    one, other = (align_images(each, rig, CONFIG) for each in (matches, spoiled))
    for first, second in zip(one.warped.fields, other.warped.fields, strict=True):
        assert isinstance(first, SplineField)
        assert isinstance(second, SplineField)
        np.testing.assert_array_equal(first.control_px, second.control_px)


def test_a_fold_is_fitted_stiffer() -> None:
    """Matches at random ask for folds everywhere."""
    rig, matches = _case()
    rng = np.random.default_rng(4)
    wild = replace(matches, points_b_px=matches.points_b_px + rng.normal(0, 40, (len(matches), 2)))
    loose = replace(CONFIG, bending=1e-3, ridge=0.0, loss_width_px=100.0)
    assert align_images(wild, rig, loose).bending != loose.bending


def test_no_matches_leave_everything_as_it_is() -> None:
    rig, matches = _case()
    fitted = align_images(matches.select(np.zeros(len(matches), bool)), rig, SolveConfig())
    assert fitted.recalibrated.rig == rig or fitted.recalibrated.rig is rig
    assert fitted.kernel is None
    assert fitted.photometry.gains == pytest.approx(np.ones((6, 3)))
