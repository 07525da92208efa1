from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.panorama.algorithms.fit.kernel_interpolation import half_moves, interpolate_fields
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Correspondences, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig


def _shifted() -> tuple[Rig, Correspondences]:
    rig = ring_rig(2, 25.0)
    matches = matches_under(Alignment(rig, (None, None)), [(0, 1)], 500)
    return rig, replace(matches, points_b_px=matches.points_b_px + np.array([3.0, -2.0]))


def test_half_moves_meet() -> None:
    rig, matches = _shifted()
    move_a, move_b = half_moves(matches, rig)
    met = replace(
        matches,
        points_a_px=matches.points_a_px + move_a,
        points_b_px=matches.points_b_px + move_b,
    )
    alignment = Alignment(rig, (None, None))
    assert errors_px(alignment, matches).min() > 2.0
    assert errors_px(alignment, met).max() < 0.1
    np.testing.assert_allclose(np.abs(move_a).mean(0), np.abs(move_b).mean(0), rtol=0.2)


def test_fields_align_and_fade_away_from_matches() -> None:
    rig, matches = _shifted()
    fields = interpolate_fields(matches, rig, 12.0)
    assert errors_px(Alignment(rig, fields), matches).mean() < 0.3
    far_from_overlap = np.array([[5.0, 160.0]])
    np.testing.assert_allclose(fields[0].sample(far_from_overlap), 0.0, atol=1e-6)


def test_one_match_moves_its_neighbourhood_alike() -> None:
    rig, matches = _shifted()
    one = matches.select(np.arange(1))
    move_a, _ = half_moves(one, rig)
    field = interpolate_fields(one, rig, 20.0)[0]
    np.testing.assert_allclose(field.sample(one.points_a_px + 10.0), move_a, rtol=0.02)
