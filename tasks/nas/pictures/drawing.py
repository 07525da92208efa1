"""A drawing of cells as boxes and curves, in the coordinates of SVG: px, y downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

_MARGIN_PX, _TITLE_PX = 18.0, 34.0


class Kind(StrEnum):
    """What a box or a curve stands for; renderers give each its look."""

    STATE = "state"
    CONVOLUTION = "convolution"
    POOLING = "pooling"
    IDENTITY = "identity"
    ADD = "add"
    CONCAT = "concat"
    FROM_PREVIOUS = "from_previous"
    FROM_CURRENT = "from_current"
    FROM_BLOCK = "from_block"
    TITLE = "title"


@dataclass(frozen=True)
class Box:
    """A labelled rectangle.

    Attributes:
        x: Left edge, px.
        y: Upper edge, px.
        width: Width, px.
        height: Height, px.
        label: Text in its middle; ``h_{i-1}`` has a subscript.
        kind: What it stands for.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    kind: Kind


@dataclass(frozen=True)
class Curve:
    """A path of cubic Bézier pieces.

    Attributes:
        points: Start, then two control points and an end per piece, px.
        kind: Where it comes from.
    """

    points: tuple[tuple[float, float], ...]
    kind: Kind


@dataclass(frozen=True)
class Drawing:
    """Boxes on top of curves.

    Attributes:
        width: Width, px.
        height: Height, px.
        boxes: Boxes.
        curves: Curves.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]

    def moved(self, x: float, y: float) -> Drawing:
        """The drawing, farther right and down."""
        return Drawing(
            self.width + x,
            self.height + y,
            tuple(replace(box, x=box.x + x, y=box.y + y) for box in self.boxes),
            tuple(
                replace(curve, points=tuple((a + x, b + y) for a, b in curve.points))
                for curve in self.curves
            ),
        )


def titled(drawing: Drawing, title: str) -> Drawing:
    """Put a title above a drawing."""
    moved = drawing.moved(0.0, _TITLE_PX)
    box = Box(0.0, _MARGIN_PX / 2, drawing.width, _TITLE_PX, title, Kind.TITLE)
    return replace(moved, boxes=(*moved.boxes, box))


def beside(drawings: Sequence[Drawing]) -> Drawing:
    """Put drawings side by side, their lower edges level."""
    height = max(drawing.height for drawing in drawings)
    boxes: list[Box] = []
    curves: list[Curve] = []
    width = 0.0
    for drawing in drawings:
        moved = drawing.moved(width, height - drawing.height)
        boxes += moved.boxes
        curves += moved.curves
        width = moved.width
    return Drawing(width, height, tuple(boxes), tuple(curves))
