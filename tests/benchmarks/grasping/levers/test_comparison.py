"""Comparing levers: outcomes with their references, and times with the plain physics."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.grasping.levers import comparison
from benchmarks.grasping.levers.comparison import (
    JITTERED,
    LEVERS,
    REFERENCES,
    figures_of,
    kept_scene,
)


@pytest.fixture
def scenes():
    """Half of the attempts succeed, whatever is done; every lever halves the time."""
    outcomes = [bool(number % 2) for number in range(12)]
    names = [*LEVERS, *(f"{name}, reference" for name in REFERENCES), JITTERED]
    return [
        {name: (list(outcomes), 2.0 if name == "plain" else 1.0) for name in names}
        for _ in range(20)
    ]


def test_a_rate_is_that_of_the_plain_physics_over_its_own(scenes):
    figures = figures_of(scenes)
    assert figures["lever_unheld_rate"].value == pytest.approx(2.0)
    assert "lever_plain_rate" not in figures
    assert figures["lever_ceiling"].value == 1.0


def test_another_attempt_is_compared_with_its_own_reference_too(scenes):
    for scene in scenes:
        for name in ("hulls", "hulls, reference"):
            scene[name][0][0] = True
    figures = figures_of(scenes)
    assert figures["lever_hulls_agreement"].value == pytest.approx(11 / 12)
    assert figures["lever_hulls_own_agreement"].value == 1.0
    assert figures["lever_hulls_success_difference"].value == pytest.approx(1 / 12)
    assert "lever_unheld_own_agreement" not in figures
    assert np.isclose(figures["lever_unheld_agreement"].value, 1.0)


def test_a_scene_that_is_kept_is_not_run_again(tmp_path, monkeypatch):
    runs = []

    def run_scene(seed, index):
        runs.append((seed, index))
        return {"plain": ([True, False], 0.5)}

    monkeypatch.setattr(comparison, "run_scene", run_scene)
    found = [kept_scene(3, index, str(tmp_path)) for index in (0, 1, 0)]
    assert runs == [(3, 0), (3, 1)]
    assert found[0] == found[2] == {"plain": [[True, False], 0.5]}
