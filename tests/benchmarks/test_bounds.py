"""Which figures miss what they must hold."""

from __future__ import annotations

import pytest

from benchmarks.bounds import report_bounds
from benchmarks.results_file import Figure

FIGURES = {
    "speed": Figure(value=10.0, unit="", interval=(8.0, 12.0)),
    "loss": Figure(value=0.0, unit="", interval=(-0.03, 0.01)),
}


@pytest.mark.parametrize(
    ("bounds", "missed"),
    [
        ({"speed": (7.0, 13.0)}, 0),
        ({"speed": (9.0, 13.0)}, 1),
        ({"speed": (7.0, 11.0)}, 1),
        ({"loss": (-0.025, 0.025)}, 1),
        ({"loss": (-0.035, 0.025), "speed": (9.0, 9.5)}, 1),
        ({"not measured": (0.0, 1.0)}, 0),
    ],
)
def test_the_whole_interval_must_hold(bounds, missed, capsys):
    assert report_bounds(FIGURES, bounds, quick=False) == missed
    assert capsys.readouterr().out.count("MISSED") == missed


def test_a_figure_may_be_judged_by_its_value():
    assert report_bounds(FIGURES, {"speed": (9.0, 11.0)}, quick=False, by_value=("speed",)) == 0


def test_a_quick_run_has_wider_bounds():
    bounds = {"speed": (15.0, 20.0), "loss": (-0.02, 0.02)}
    assert report_bounds(FIGURES, bounds, quick=False) == 2
    assert report_bounds(FIGURES, bounds, quick=True) == 0
