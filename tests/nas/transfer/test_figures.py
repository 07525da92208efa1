"""Figures have the names and units that they promise."""

from __future__ import annotations

import pytest

from tasks.nas.transfer.figures import figures_of
from tasks.nas.transfer.scores import detector_scores, network_scores
from tests.support.nas.transfer_results import detecting, transferred


def test_figures_are_percent_and_points() -> None:
    networks = network_scores(
        transferred(
            {
                ("nasnet_a", "small", "scratch"): (0.50, 0.54),
                ("resnet", "small", "scratch"): (0.48, 0.54),
            }
        )
    )
    detectors = detector_scores(detecting({"nasnet_a": (0.2,), "resnet": (0.25,)}))
    found = figures_of(networks, detectors, "nasnet_a")
    assert found["accuracy_nasnet_a_small_scratch"] == pytest.approx(52)
    assert found["cells_minus_resnet_small_scratch"] == pytest.approx(1)
    assert found["cells_minus_resnet_small_scratch_se"] == pytest.approx(1)
    reach = 12.7062  # t quantile, one degree of freedom
    assert found["cells_minus_resnet_small_scratch_low"] == pytest.approx(1 - reach, abs=1e-3)
    assert found["map_cells_minus_resnet"] == pytest.approx(-5)
    assert "map_cells_minus_resnet_se" not in found
    assert found["ap50_resnet"] == pytest.approx(50)
