"""Masks in colours."""

from __future__ import annotations

from typing import Final

import numpy as np

from tasks.grasping.types import ByteImage, SemanticClass
from tasks.report.sheet import Colour, LegendEntry

CLASS_COLOURS: Final[dict[SemanticClass, Colour]] = {
    SemanticClass.BACKGROUND: (40, 44, 52),
    SemanticClass.TRAY: (120, 130, 145),
    SemanticClass.OBJECT: (240, 170, 40),
    SemanticClass.ARM: (70, 130, 200),
    SemanticClass.GRIPPER: (210, 70, 90),
}
# Eight hues that differ in lightness too; more objects begin again with them darker.
_OBJECT_COLOURS = np.array(
    [
        (31, 119, 180),
        (255, 140, 20),
        (60, 170, 70),
        (220, 60, 60),
        (150, 110, 200),
        (140, 90, 75),
        (235, 130, 200),
        (200, 200, 40),
    ]
)
_DARKER = 0.6
_NO_OBJECT: Colour = (30, 30, 34)


def class_colours(class_ids: ByteImage) -> ByteImage:
    """Paint semantic classes, (h, w) -> (h, w, 3), RGB."""
    palette = np.zeros((256, 3), np.uint8)
    for each, colour in CLASS_COLOURS.items():
        palette[each] = colour
    return palette[class_ids]


def instance_colours(instance_ids: ByteImage) -> ByteImage:
    """Paint each object of a scene in a colour of its own, (h, w) -> (h, w, 3), RGB."""
    palette = np.empty((256, 3), np.uint8)
    palette[0] = _NO_OBJECT
    index = np.arange(255)
    shade = _DARKER ** (index // len(_OBJECT_COLOURS))
    palette[1:] = _OBJECT_COLOURS[index % len(_OBJECT_COLOURS)] * shade[:, None]
    return palette[instance_ids]


def class_legend() -> list[LegendEntry]:
    """What the colours of classes mean."""
    return [LegendEntry(each.name.lower(), colour) for each, colour in CLASS_COLOURS.items()]
