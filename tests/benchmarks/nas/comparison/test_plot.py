"""The picture of the comparison."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.nas.comparison.plot import comparison_plot
from benchmarks.results_file import Figure


def figures(accuracy: float) -> dict[str, Figure]:
    found = {}
    for kind, score in (("classifier", "acc"), ("detector", "map")):
        for number, name in enumerate(
            ("nasnet_a", "resnet", "resnet_x6", "resnet_x14", "mobilenet_v2"), start=1
        ):
            found[f"{kind}_step_cpu_s_{name}"] = Figure(
                value=0.05 * number, unit="s", interval=None
            )
            found[f"{kind}_image_ms_{name}"] = Figure(value=2.0 * number, unit="ms", interval=None)
            value = accuracy + number
            found[f"compared_{score}_{name}"] = Figure(
                value=value, unit="%", interval=(value - 1, value + 2)
            )
    return found


def test_the_picture_shows_the_scores_and_does_without_a_network_that_has_none():
    first, second = comparison_plot(figures(60.0)), comparison_plot(figures(61.5))

    picture = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] == 1200
    assert picture.std() > 5
    assert first != second
