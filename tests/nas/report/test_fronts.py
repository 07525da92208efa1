from __future__ import annotations

import numpy as np

from tasks.nas.report.fronts import CONTROL_COLOUR, pareto_front, search_colours
from tasks.report.plots import COLOURS


def test_searches_differ_and_the_control_is_grey():
    found = search_colours(("a", "control", "b"), "control")
    assert found == {"a": COLOURS[0], "b": COLOURS[1], "control": CONTROL_COLOUR}


def test_front_holds_what_nothing_cheaper_surpasses():
    costs = np.array([3.0, 1.0, 2.0, 2.0, 4.0])
    accuracies = np.array([0.5, 0.2, 0.4, 0.3, 0.5])
    np.testing.assert_array_equal(pareto_front(costs, accuracies), [1, 2, 0])
