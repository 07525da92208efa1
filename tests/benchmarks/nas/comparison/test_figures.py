"""Differences are paired by seed, and at equal cost where ResNets enclose the cells'."""

from __future__ import annotations

import math

import pytest

from benchmarks.nas.comparison.costs import Costs
from benchmarks.nas.comparison.figures import cost_figures, interpolated, score_figures

SCORES = {
    "nasnet_a": {0: 0.70, 1: 0.72, 2: 0.74},
    "resnet": {0: 0.66, 1: 0.70, 2: 0.71},
    "resnet_x6": {0: 0.71, 1: 0.73},
    "resnet_x14": {0: 0.73, 1: 0.75},
    "mobilenet_v2": {0: 0.60, 1: 0.62},
}


def costs(step_s: float, image_ms: float) -> Costs:
    return Costs(
        mult_adds=21_000_000,
        depthwise_share=0.28,
        num_params=500_000,
        step_s=step_s,
        image_ms=image_ms,
    )


COSTS = {
    "nasnet_a": costs(0.4, 10.0),
    "resnet": costs(0.1, 2.0),
    "resnet_x6": costs(0.4, 5.0),
    "resnet_x14": costs(1.6, 20.0),
    "mobilenet_v2": costs(0.3, 3.0),
}


def test_differences_at_equal_cost() -> None:
    found = score_figures(SCORES, COSTS, "acc")
    assert found["cells_minus_resnet_acc"].value == pytest.approx(3.0)
    assert found["cells_minus_mobilenet_v2_acc"].value == pytest.approx(10.0)
    assert found["mobilenet_v2_minus_resnet_acc"].value == pytest.approx(-7.0)
    assert found["cells_minus_resnet_acc_cpu"].value == pytest.approx(-1.0)
    assert found["cells_minus_resnet_acc_ms"].value == pytest.approx(-2.0), "half way in the log"
    assert found["cells_minus_resnet_acc"].interval is not None
    assert found["compared_acc_nasnet_a"].value == pytest.approx(72.0)
    assert "cells_minus_resnet_x6_acc" not in found


def test_what_no_resnet_costs_is_not_extrapolated(capsys: pytest.CaptureFixture[str]) -> None:
    dear = {**COSTS, "nasnet_a": costs(0.4, 30.0)}
    found = score_figures(SCORES, dear, "map")
    assert "cells_minus_resnet_map_ms" not in found
    assert "cells_minus_resnet_map_cpu" in found
    assert "cells_minus_resnet_map_ms: no ResNet costs as much" in capsys.readouterr().out


def test_interpolation_is_linear_in_the_log_and_by_seed() -> None:
    curve = [(100.0, {0: 0.8, 1: 0.6}), (1.0, {0: 0.4, 1: 0.5, 2: 0.9})]
    middle = interpolated(curve, 10.0)
    assert middle == {0: pytest.approx(0.6), 1: pytest.approx(0.55)}
    assert interpolated(curve, 1.0) == {0: pytest.approx(0.4), 1: pytest.approx(0.5)}
    assert interpolated(curve, 0.99) is None


def test_costs_are_figures_with_their_units() -> None:
    found = cost_figures({"nasnet_a": costs(0.4, 10.0)}, "classifier")
    assert found["classifier_depthwise_nasnet_a"].value == pytest.approx(28.0)
    assert found["classifier_mult_adds_nasnet_a"].value == pytest.approx(21.0)
    assert not any(math.isnan(each.value) for each in found.values())
