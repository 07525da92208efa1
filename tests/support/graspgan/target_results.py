"""A target's result of made-up scores."""

from __future__ import annotations

from functools import cache

from tasks.graspgan.judging.manifests import TargetResult
from tasks.graspgan.methods import methods
from tests.support.graspgan.results import target_scores


@cache
def target_result() -> TargetResult:
    """What the made-up scores come to."""
    scores = target_scores()
    return TargetResult(
        target="surrogate",
        best_control="cut_structured",
        best_network="cut_structured",
        best_adapted="graspgan_cut",
        opened_at="2026-11-30T03:00:00+00:00",
        methods=scores.results(methods("all"), "cut_structured"),
        closed_share=scores.closed_share("graspgan_cut", "cut_structured"),
        closed_of_randomised=scores.closed_of_randomised(),
        dann_adds=scores.difference("graspgan_dann", "graspgan_cut"),
        curve_of=("cut_structured", "graspgan_cut"),
        label_factor=scores.factor("graspgan_cut", "cut_structured", share=5),
        label_factor_randomised=scores.factor("graspgan_cut", "randomised_longer", share=5),
        label_equivalent=scores.factor("graspgan_cut", "cut_structured", share=0),
        success_gain=None,
        success_ratio=None,
        films={},
        grasps={},
    )
