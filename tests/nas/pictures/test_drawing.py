"""Drawings move, line up and take titles."""

from __future__ import annotations

from tasks.nas.pictures.drawing import Box, Curve, Drawing, Kind, beside, titled

BOX = Box(1.0, 2.0, 3.0, 4.0, "x", Kind.ADD)
CURVE = Curve(((0.0, 0.0), (0.0, 1.0), (2.0, 1.0), (2.0, 2.0)), Kind.FROM_BLOCK)
SMALL = Drawing(10.0, 20.0, (BOX,), (CURVE,))


def test_boxes_and_curves_move_together() -> None:
    moved = SMALL.moved(5.0, 7.0)
    assert (moved.width, moved.height) == (15.0, 27.0)
    assert (moved.boxes[0].x, moved.boxes[0].y) == (6.0, 9.0)
    assert moved.curves[0].points[-1] == (7.0, 9.0)


def test_lower_edges_are_level() -> None:
    tall = Drawing(4.0, 50.0, (), ())
    both = beside([SMALL, tall, SMALL])
    assert (both.width, both.height) == (24.0, 50.0)
    assert [box.x for box in both.boxes] == [1.0, 15.0]
    assert [box.y for box in both.boxes] == [32.0, 32.0]


def test_a_title_stands_above() -> None:
    found = titled(SMALL, "cell")
    (title,) = (box for box in found.boxes if box.kind == Kind.TITLE)
    assert title.label == "cell"
    assert title.y + title.height / 2 < found.boxes[0].y
    assert found.height > SMALL.height
