from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.stitch.gate import (
    Figures,
    OverlapError,
    judge,
    less_alike,
    objections,
)
from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.config import GateConfig

CONFIG = GateConfig(
    min_held_out=10, overlap_tolerance_px=0.1, seam_tolerance=0.05, max_worse_share=0.0
)


def figures(name: str, *errors_px: float, seam: float | None = 1.5, count: int = 50) -> Figures:
    held_out = {(0, k + 1): OverlapError(count, error) for k, error in enumerate(errors_px)}
    return Figures(name, held_out, worst_seam=seam)


BEFORE = figures("unrepaired", 4.0, 6.0)


def test_better_repair_is_published():
    decision = judge(BEFORE, [figures("warped", 0.5, 0.6, seam=1.1)], CONFIG)

    assert decision.published == "warped"
    assert decision.is_repaired
    assert decision.reasons == ()
    assert decision.warnings == ()


def test_best_of_several_repairs_is_published():
    rigid, warped = figures("recalibrated", 2.0, 2.0), figures("warped", 0.5, 0.5)

    assert judge(BEFORE, [rigid, warped], CONFIG).published == "warped"
    assert judge(BEFORE, [warped, rigid], CONFIG).published == "warped"


def test_second_best_is_published_where_the_best_is_refused():
    warped = replace(figures("warped", 0.5, 0.5), has_fold=True)

    decision = judge(BEFORE, [warped, figures("recalibrated", 2.0, 2.0)], CONFIG)

    assert decision.published == "recalibrated"
    assert decision.reasons == ("warped: a warp folds",)


@pytest.mark.parametrize(
    ("repair", "reason"),
    [
        (figures("warped", 5.0, 5.5), "held-out error 5.25 px, unrepaired 5.00 px"),
        (figures("warped", 4.2, 1.0), "held-out error grows on overlap 0-1 4.20 > 4.00 px"),
        (figures("warped", 1.0, 1.0, seam=1.7), "worst seam 1.70, unrepaired 1.50"),
        (figures("warped", 1.0, 1.0, count=4), "8 held-out matches, at least 10 are needed"),
        (figures("warped"), "0 held-out matches"),
    ],
)
def test_worse_repair_is_refused_with_its_reason(repair: Figures, reason: str):
    before = figures("unrepaired", 4.0, 6.0, count=4) if "matches" in reason else BEFORE
    decision = judge(before, [repair], CONFIG)

    assert decision.published == "unrepaired"
    assert not decision.is_repaired
    assert len(decision.reasons) >= 1
    assert any(reason in each for each in decision.reasons)


def alike(found: Figures, *similarities: float) -> Figures:
    """Figures with so many overlaps of one size, each next to the one before."""
    overlaps = {(i, i + 1): Overlap(each, 1000) for i, each in enumerate(similarities)}
    return replace(found, overlaps=overlaps)


def test_repair_that_makes_overlaps_less_alike_is_refused():
    before, repair = alike(BEFORE, 0.9), figures("warped", 1.0, 1.0)

    assert judge(before, [alike(repair, 0.95)], CONFIG).is_repaired
    decision = judge(before, [alike(repair, 0.88)], CONFIG)
    assert decision.reasons == ("warped: overlap SSIM 0.8800, unrepaired 0.9000",)


def test_one_overlap_that_became_less_alike_is_enough():
    before, repair = alike(BEFORE, 0.5, 0.8, 0.6), figures("warped", 1.0, 1.0)

    assert judge(before, [alike(repair, 0.9, 0.78, 0.9)], CONFIG).is_repaired
    assert less_alike(before, alike(repair, 0.9, 0.78, 0.9), CONFIG) == []
    assert less_alike(before, alike(repair, 0.9, 0.3, 0.9), CONFIG) == [(1, 2)]
    decision = judge(before, [alike(repair, 0.9, 0.3, 0.9)], CONFIG)
    assert decision.reasons == ("warped: SSIM falls on overlap 1-2 0.30 < 0.80",)


def test_a_sliver_that_became_less_alike_has_no_veto_of_its_own():
    before, repair = alike(BEFORE, 0.5, 0.8), alike(figures("warped", 1.0, 1.0), 0.9, 0.3)
    sliver = replace(repair, overlaps={**repair.overlaps, (1, 2): Overlap(0.3, 15)})

    config = replace(CONFIG, max_worse_share=0.02)
    assert judge(before, [sliver], config).is_repaired
    assert not judge(before, [repair], config).is_repaired


def test_repair_is_compared_on_the_overlaps_whose_matches_count():
    held = Figures("refitted", {(0, 2): OverlapError(50, 5.0)}, worst_seam=1.5)

    assert judge(BEFORE, [held], CONFIG).is_repaired, "5.0 px is less than 6.0 px there"
    before = figures("unrepaired", 8.0, 4.5)
    (reason,) = judge(before, [held], replace(CONFIG, max_worse_share=1.0)).reasons
    assert reason == "refitted: held-out error 5.00 px, unrepaired 4.50 px"


def test_small_overlap_that_gets_worse_has_no_veto_of_its_own():
    before, repair = figures("unrepaired", 4.0, 6.0), figures("warped", 1.0, 1.0)
    aliased = replace(repair, held_out={**repair.held_out, (0, 1): OverlapError(12, 9.0)})

    assert not judge(before, [aliased], CONFIG).is_repaired
    assert judge(before, [aliased], replace(CONFIG, max_worse_share=0.2)).is_repaired
    assert not judge(before, [aliased], replace(CONFIG, max_worse_share=0.1)).is_repaired


def test_overlap_with_few_matches_is_judged_in_the_total_only():
    before, repair = figures("unrepaired", 4.0, 6.0), figures("warped", 1.0, 1.0)
    noisy = dict(repair.held_out)
    noisy[(0, 1)] = OverlapError(3, 5.0)

    assert judge(before, [replace(repair, held_out=noisy)], CONFIG).is_repaired


def test_tolerances_forgive_noise():
    repair = figures("warped", 4.05, 1.0, seam=1.55)

    assert objections(BEFORE, repair, CONFIG) == []
    strict = replace(CONFIG, overlap_tolerance_px=0.0, seam_tolerance=0.0)
    assert len(objections(BEFORE, repair, strict)) == 2


@pytest.mark.parametrize(("before", "after"), [(0.97, 1.06), (1.0, 1.14), (0.5, 1.15)])
def test_a_worst_seam_that_nobody_sees_refuses_no_repair(before: float, after: float):
    repair = figures("warped", 1.0, 1.0, seam=after)
    unrepaired = replace(BEFORE, worst_seam=before)

    assert judge(unrepaired, [repair], GateConfig()).is_repaired
    visible = replace(repair, worst_seam=1.15 * 1.1)
    assert not judge(unrepaired, [visible], GateConfig()).is_repaired


def test_growth_within_chance_is_forgiven():
    errors = {(0, 1): OverlapError(50, 4.5, 0.3), (0, 2): OverlapError(50, 1.0, 0.3)}
    repair = Figures("warped", errors, worst_seam=1.0)

    assert objections(BEFORE, repair, CONFIG) == []
    assert len(objections(BEFORE, repair, replace(CONFIG, overlap_sigmas=1.0))) == 1


def test_limits_warn_or_refuse():
    wild = replace(figures("warped", 1.0, 1.0), warp_p95_px=14.0, max_strain=0.2)

    tolerant = judge(BEFORE, [wild], CONFIG)
    strict = judge(BEFORE, [wild], replace(CONFIG, limits_refuse=True))

    assert tolerant.published == "warped"
    assert tolerant.warnings == ("warp of 14.0 px (p95), limit 10", "strain 0.200, limit 0.05")
    assert strict.published == "unrepaired"
    assert len(strict.reasons) == 2


def test_nothing_to_repair_with():
    decision = judge(BEFORE, [], CONFIG)

    assert decision.published == "unrepaired"
    assert decision.reasons == ()


def test_many_worse_overlaps_are_counted():
    before = figures("unrepaired", 9.0, *[1.0] * 6)
    repair = figures("warped", 0.0, *[1.5] * 6)

    (reason,) = objections(before, repair, CONFIG)

    assert reason.endswith("and 3 more")


errors = st.lists(st.floats(0, 20), min_size=3, max_size=3)


@given(before=errors, after=errors, seams=st.tuples(st.floats(0.8, 5), st.floats(0.8, 5)))
def test_what_is_published_is_never_worse(
    before: list[float], after: list[float], seams: tuple[float, float]
):
    config = replace(CONFIG, overlap_tolerance_px=0.0, seam_tolerance=0.0, invisible_seam=1.0)
    unrepaired = figures("unrepaired", *before, seam=seams[0])
    repair = figures("warped", *after, seam=seams[1])

    if judge(unrepaired, [repair], config).is_repaired:
        assert sum(after) < sum(before)
        assert all(x <= y for x, y in zip(after, before, strict=True))
        assert seams[1] <= max(1.0, seams[0])
    else:
        assert (
            sum(after) >= sum(before) - 1e-9
            or any(x > y for x, y in zip(after, before, strict=True))
            or seams[1] > seams[0]
        )
