"""Shapes of everyday things have the sizes of common ones, and fit the gripper somewhere."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.objects.everyday_things import Thing, things
from tasks.grasping.objects.solids import body_of

OPENING_M = 0.085  # what the gripper's fingers span


def extent_m(thing: Thing) -> np.ndarray:
    points = np.concatenate([np.asarray(part).reshape(-1, 3) for part in thing.parts])
    return np.ptp(points, axis=0)


def test_a_box_has_the_size_that_it_was_given():
    assert extent_m(things()["matchbox"]) == pytest.approx([0.053, 0.036, 0.015], abs=1e-6)
    assert extent_m(things()["card_deck"]) == pytest.approx([0.089, 0.05, 0.018], abs=1e-6)


@pytest.mark.parametrize("name", sorted(things()))
def test_a_thing_is_narrow_enough_somewhere_and_has_a_colour(name):
    thing = things()[name]
    extent = extent_m(thing)
    assert 0.0 < extent.min() < OPENING_M
    assert extent.max() < 0.2
    assert 100 <= thing.density <= 8000
    assert all(0 <= channel <= 1 for channel in thing.rgb)


def test_a_cup_is_hollow():
    cup = body_of(things()["mug"].parts)
    assert cup.volume_m3 < 0.5 * np.pi * 0.0295**2 * 0.072, "of the cylinder around it"
