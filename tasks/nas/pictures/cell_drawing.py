"""The figure of a cell: hidden states below, blocks of two operations, the output above.

In the manner of Zoph et al. (2018), figure 4: each block is two operations and, above them, what
combines their results; the bar at the top concatenates.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tasks.nas.pictures.drawing import Box, Curve, Drawing, Kind, beside, titled
from tasks.nas.pictures.layers import (
    GAP_PX,
    INPUT_PX,
    PORT_PX,
    Layers,
    Places,
    lines,
    place,
    sides,
)
from tasks.nas.types import NUM_INPUTS, Cell, Combiner, Genotype, Operation

_INPUT_LABELS = ("h_{i-1}", "h_i")
_MARGIN_PX = 18.0
_OPERATION_PX = (98.0, 30.0)  # width and height
_COMBINER_PX = (62.0, 24.0)
_STATE_HEIGHT_PX = 30.0
_JOINT_PX = 20.0  # between operations and combiner
_LAYER_PX = _OPERATION_PX[1] + _JOINT_PX + _COMBINER_PX[1]
_RISE_PX = 64.0  # between layers

LABELS = {
    Operation.IDENTITY: "identity",
    Operation.CONV_1X3_3X1: "1×3, 3×1",
    Operation.CONV_1X7_7X1: "1×7, 7×1",
    Operation.DILATED_CONV_3X3: "dil 3×3",
    Operation.AVG_POOL_3X3: "avg 3×3",
    Operation.MAX_POOL_3X3: "max 3×3",
    Operation.MAX_POOL_5X5: "max 5×5",
    Operation.MAX_POOL_7X7: "max 7×7",
    Operation.CONV_1X1: "conv 1×1",
    Operation.CONV_3X3: "conv 3×3",
    Operation.SEP_CONV_3X3: "sep 3×3",
    Operation.SEP_CONV_5X5: "sep 5×5",
    Operation.SEP_CONV_7X7: "sep 7×7",
    Operation.DILATED_SEP_CONV_3X3: "dil sep 3×3",
    Operation.DILATED_SEP_CONV_5X5: "dil sep 5×5",
}


@cache
def draw_cell(cell: Cell, title: str = "") -> Drawing:
    """Draw a cell, with a title if there is one; once, for a report shows its best ones often."""
    layers = Layers.of(cell)
    places = place(layers)
    drawing = _framed(
        [*_boxes(layers, places), _output(layers, places)], [*_curves(layers, places)]
    )
    return titled(drawing, title) if title else drawing


def draw_genotype(genotype: Genotype, name: str = "") -> Drawing:
    """Draw both cells side by side."""
    head = f"{name}: " if name else ""
    return beside(
        [
            draw_cell(genotype.normal, f"{head}normal cell"),
            draw_cell(genotype.reduce, f"{head}reduction cell"),
        ]
    )


def _floor(layer: int) -> float:
    """Lower edge of a layer; the inputs' upper edge is y = 0, upwards is negative."""
    return 0.0 if layer == 0 else -layer * _RISE_PX - (layer - 1) * _LAYER_PX


def _ceiling(layer: int) -> float:
    """Upper edge of a layer."""
    return _floor(layer) - (_LAYER_PX if layer else 0.0)


def _boxes(layers: Layers, places: Places) -> Iterator[Box]:
    for part, x in places.items():
        if layers.is_trunk(part):
            continue
        if part.state < NUM_INPUTS:
            label = _INPUT_LABELS[part.state]
            yield _box(x, _STATE_HEIGHT_PX, (INPUT_PX, _STATE_HEIGHT_PX), label, Kind.STATE)
            continue
        block = layers.cell.blocks[part.state - NUM_INPUTS]
        floor = _floor(part.layer)
        for side, edge in zip((-1, 1), sides(layers, places, part), strict=True):
            operation = block.edges[edge].operation
            middle = x + side * PORT_PX
            yield _box(middle, floor, _OPERATION_PX, LABELS[operation], _kind(operation))
        kind = Kind.ADD if block.combiner == Combiner.ADD else Kind.CONCAT
        top = floor - _OPERATION_PX[1] - _JOINT_PX
        yield _box(x, top, _COMBINER_PX, str(block.combiner), kind)


def _box(x: float, floor: float, size: tuple[float, float], label: str, kind: Kind) -> Box:
    return Box(x - size[0] / 2, floor - size[1], *size, label, kind)


def _output(layers: Layers, places: Places) -> Box:
    """The bar that concatenates all that reaches it."""
    reach = [x for part, end, x, _ in lines(layers, places) if end is None]
    width = max(max(reach) - min(reach) + GAP_PX, 2 * INPUT_PX)
    middle = (max(reach) + min(reach)) / 2
    floor = _ceiling(layers.num_layers - 1) - _RISE_PX
    label = "h_{i+1}" if len(reach) == 1 else "concat  h_{i+1}"
    return _box(middle, floor, (width, _STATE_HEIGHT_PX), label, Kind.STATE)


def _curves(layers: Layers, places: Places) -> Iterator[Curve]:
    for start, end, x, x_end in lines(layers, places):
        upper = _ceiling(layers.num_layers - 1) - _RISE_PX if end is None else _floor(end.layer)
        yield _curve((x, _ceiling(start.layer)), (x_end, upper), _line_kind(start.state))
    for part, x in places.items():
        floor, ceiling = _floor(part.layer), _ceiling(part.layer)
        if layers.is_trunk(part):
            yield _curve((x, floor), (x, ceiling), _line_kind(part.state))
        elif part.state >= NUM_INPUTS:
            for side in (-1, 1):
                start_point = (x + side * PORT_PX, floor - _OPERATION_PX[1])
                end_point = (x + side * _COMBINER_PX[0] / 4, ceiling + _COMBINER_PX[1])
                yield _curve(start_point, end_point, Kind.FROM_BLOCK)


def _curve(start: tuple[float, float], end: tuple[float, float], kind: Kind) -> Curve:
    """A curve that leaves and arrives upright."""
    middle = (start[1] + end[1]) / 2
    return Curve((start, (start[0], middle), (end[0], middle), end), kind)


def _line_kind(state: int) -> Kind:
    return (Kind.FROM_PREVIOUS, Kind.FROM_CURRENT)[state] if state < NUM_INPUTS else Kind.FROM_BLOCK


def _kind(operation: Operation) -> Kind:
    if operation == Operation.IDENTITY:
        return Kind.IDENTITY
    return Kind.POOLING if "pool" in operation else Kind.CONVOLUTION


def _framed(boxes: list[Box], curves: list[Curve]) -> Drawing:
    """Move everything to where all coordinates are positive."""
    left = min(min(box.x for box in boxes), min(x for c in curves for x, _ in c.points))
    right = max(
        max(box.x + box.width for box in boxes), max(x for c in curves for x, _ in c.points)
    )
    top = min(box.y for box in boxes)
    raw = Drawing(right + _MARGIN_PX, _STATE_HEIGHT_PX + _MARGIN_PX, tuple(boxes), tuple(curves))
    return raw.moved(_MARGIN_PX - left, _MARGIN_PX - top)
