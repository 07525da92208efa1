"""The figure of a cell shows all of it, and nothing overlaps."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given, settings

from tasks.nas.pictures.cell_drawing import LABELS, draw_cell, draw_genotype
from tasks.nas.pictures.drawing import Kind
from tasks.nas.space.published import published
from tasks.nas.types import Combiner, Operation
from tests.support.nas.genotypes import cells

BLOCKS = (Kind.ADD, Kind.CONCAT)
OPERATIONS = (Kind.CONVOLUTION, Kind.POOLING, Kind.IDENTITY)


def test_every_operation_has_a_label_of_its_own() -> None:
    assert set(LABELS) == set(Operation)
    assert len(set(LABELS.values())) == len(LABELS)


@settings(deadline=None, max_examples=8)
@given(cells(operations=tuple(Operation)))
def test_everything_is_shown_within_the_frame_and_nothing_overlaps(cell) -> None:
    drawing = draw_cell(cell, "title")
    labels = Counter(box.label for box in drawing.boxes if box.kind in OPERATIONS)
    assert labels == Counter(LABELS[e.operation] for b in cell.blocks for e in b.edges)
    combiners = Counter(box.label for box in drawing.boxes if box.kind in BLOCKS)
    assert combiners == Counter(str(block.combiner) for block in cell.blocks)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.y >= 0
        assert box.y + box.height <= drawing.height
    for a, b in itertools.combinations(drawing.boxes, 2):
        is_beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert is_beside or a.y + a.height <= b.y or b.y + b.height <= a.y, (a, b)


def test_kinds_tell_operations_and_combiners_apart() -> None:
    drawing = draw_cell(published("amoebanet_a").reduce)
    kinds = {box.label: box.kind for box in drawing.boxes}
    assert kinds["1×7, 7×1"] == Kind.CONVOLUTION
    assert kinds["max 3×3"] == Kind.POOLING
    assert kinds[str(Combiner.ADD)] == Kind.ADD
    assert kinds["h_{i-1}"] == kinds["concat  h_{i+1}"] == Kind.STATE
    assert {curve.kind for curve in drawing.curves} == {
        Kind.FROM_PREVIOUS,
        Kind.FROM_CURRENT,
        Kind.FROM_BLOCK,
    }


def test_both_cells_stand_side_by_side() -> None:
    drawing = draw_genotype(published("nasnet_a"), "NASNet-A")
    titles = [box.label for box in drawing.boxes if box.kind == Kind.TITLE]
    assert titles == ["NASNet-A: normal cell", "NASNet-A: reduction cell"]
    assert drawing == draw_genotype(published("nasnet_a"), "NASNet-A")
