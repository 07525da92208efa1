"""Genotypes in the notation of DARTS: read from text or objects, and written.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (2019) publish cells as
``Genotype(normal=[(op, input), …], normal_concat=[…], reduce=[…], reduce_concat=[…])``: two
pairs a node, states numbered as here, sums only. Many later works do the same; some nest the two
pairs of a node, and some add the weight of an edge in the search to its pair, which decides
nothing here (Dong and Yang's AutoDL-Projects: GDAS, SETN). Text is parsed, never run.

What crosses over is the architecture. The operations are then those of this package: DARTS puts a
batch norm behind pooling, for one, and applies its dilated separable convolution once, as here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from tasks.core.errors import DataError
from tasks.nas.space.genotype_text import FIELDS, fields_in
from tasks.nas.types import NUM_INPUTS, Block, Cell, Combiner, Edge, Genotype, Operation

_FROM_DARTS = {
    "skip_connect": Operation.IDENTITY,
    "avg_pool_3x3": Operation.AVG_POOL_3X3,
    "max_pool_3x3": Operation.MAX_POOL_3X3,
    "sep_conv_3x3": Operation.SEP_CONV_3X3,
    "sep_conv_5x5": Operation.SEP_CONV_5X5,
    "sep_conv_7x7": Operation.SEP_CONV_7X7,
    "dil_conv_3x3": Operation.DILATED_SEP_CONV_3X3,
    "dil_conv_5x5": Operation.DILATED_SEP_CONV_5X5,
    # The code of both runs the row first, whatever the name says.
    "conv_3x1_1x3": Operation.CONV_1X3_3X1,
    "conv_7x1_1x7": Operation.CONV_1X7_7X1,
}
_MAX_SHOWN = 200
_TO_DARTS = {operation: name for name, operation in _FROM_DARTS.items()}


def from_darts(
    source: str | Mapping[str, Any] | Any, where: str = "genotype", name: str = ""
) -> Genotype:
    """Read a genotype in DARTS' notation.

    Args:
        source: A text that holds ``Genotype(…)`` calls, as a Python file or a log does; or an
            object or mapping with the four fields.
        where: What the errors call it, such as a file's path.
        name: Which of a text's genotypes is meant; empty where there is but one.

    Raises:
        DataError: It isn't of that form, or names an operation that a derived cell can't have.
    """
    if isinstance(source, str):
        fields = fields_in(source, where, name)
    elif isinstance(source, Mapping):
        fields = dict(source)
    else:
        fields = {name: getattr(source, name) for name in FIELDS if hasattr(source, name)}
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise DataError(
            f"{where}: a DARTS genotype has {', '.join(FIELDS)}; {missing[0]} is missing"
        )
    return Genotype(*(_cell(fields, name, where) for name in ("normal", "reduce")))


def to_darts(genotype: Genotype) -> str:
    """Write a genotype in DARTS' notation.

    Raises:
        DataError: A block concatenates, or an operation has no name there.
    """
    if Combiner.CONCAT in genotype.combiners:
        raise DataError("DARTS' cells only add, this genotype concatenates in a block; use JSON")
    unknown = sorted(genotype.operations - set(_TO_DARTS))
    if unknown:
        raise DataError(f"DARTS has no operation for {', '.join(unknown)}; use JSON")
    parts = []
    for name, cell in genotype.cells():
        edges = [edge for block in cell.blocks for edge in block.edges]
        pairs = [(_TO_DARTS[edge.operation], edge.source) for edge in edges]
        parts += [f"{name}={pairs}", f"{name}_concat={list(cell.concat)}"]
    return f"Genotype({', '.join(parts)})"


def _cell(fields: Mapping[str, Any], name: str, where: str) -> Cell:
    pairs, concat = _pairs(fields[name], f"{where}: {name}"), fields[f"{name}_concat"]
    edges = [_edge(pair, f"{where}: {name}: pair {k}") for k, pair in enumerate(pairs)]
    if len(edges) % NUM_INPUTS:
        raise DataError(f"{where}: {name}: expected two pairs a node, found {len(edges)} in all")
    blocks = tuple(Block(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True))
    states = _list(concat, f"{where}: {name}_concat")
    if not all(map(_is_whole, states)):
        raise DataError(f"{where}: {name}_concat: expected states, found {_short(concat)}")
    try:
        return Cell(blocks, tuple(sorted(map(int, states))))
    except DataError as error:
        raise DataError(f"{where}: {name} cell: {error}") from None


def _pairs(value: Any, where: str) -> list[Any]:
    """Pairs in one row, whether each node has a list of its own or not."""
    if value is None:
        raise DataError(
            f"{where} is None: expected both cells; this one was made by hand elsewhere"
        )
    rows = [*_list(value, where)]
    if not any(_is_list(row) and row and _is_list(row[0]) for row in rows):
        return rows
    for node, row in enumerate(rows):
        if not _is_list(row) or len(row) != NUM_INPUTS:
            raise DataError(f"{where}: node {node}: expected two pairs a node, found {_short(row)}")
    return [pair for row in rows for pair in row]


def _edge(pair: Any, where: str) -> Edge:
    is_pair = _is_list(pair) and len(pair) in (2, 3)
    if (
        not is_pair
        or not isinstance(pair[0], str)
        or not _is_whole(pair[1])
        or not all(isinstance(weight, Real) and not _is_whole(weight) for weight in pair[2:])
    ):
        raise DataError(
            f"{where}: expected (operation, input), or with a weight behind, found {_short(pair)}"
        )
    if pair[0] not in _FROM_DARTS:
        raise DataError(
            f"{where}: unknown operation {_short(pair[0])}; expected one of "
            f"{', '.join(_FROM_DARTS)}"
        )
    return Edge(int(pair[1]), _FROM_DARTS[pair[0]])


def _list(value: Any, where: str) -> Sequence[Any]:
    if _is_list(value):
        found: Sequence[Any] = value
        return found
    raise DataError(f"{where}: expected a list, found {_short(value)}")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _short(value: Any) -> str:
    """A value as text, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
