from __future__ import annotations

from tasks.nas.report.plot_style import COLOURS, CONTROL_COLOUR, search_colours


def test_searches_differ_and_the_control_is_grey():
    found = search_colours(("a", "control", "b"), "control")
    assert found == {"a": COLOURS[0], "b": COLOURS[1], "control": CONTROL_COLOUR}
