"""Masks in colours."""

from __future__ import annotations

import numpy as np

from tasks.grasping.pictures.masks import (
    CLASS_COLOURS,
    class_colours,
    class_legend,
    instance_colours,
)
from tasks.grasping.types import SemanticClass


def test_every_class_has_its_colour() -> None:
    ids = np.array([[each.value for each in SemanticClass]], np.uint8)
    painted = class_colours(ids)
    assert [tuple(pixel) for pixel in painted[0]] == list(CLASS_COLOURS.values())
    assert [entry.text for entry in class_legend()] == [c.name.lower() for c in SemanticClass]


def test_objects_of_a_scene_are_told_apart() -> None:
    painted = instance_colours(np.arange(21, dtype=np.uint8)[None])  # the most a scene may hold
    assert len({tuple(pixel) for pixel in painted[0]}) == 21
