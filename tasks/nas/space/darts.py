"""Genotypes in the notation of DARTS: read from text or objects, and written.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (2019) publish cells as
``Genotype(normal=[(op, input), …], normal_concat=[…], reduce=[…], reduce_concat=[…])``: two
pairs a node, states numbered as here, sums only. Many later works do the same. Text is parsed,
never run.

What crosses over is the architecture. The operations are then those of this package: DARTS puts a
batch norm behind pooling, for one, and applies its dilated separable convolution once, as here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.errors import DataError
from tasks.nas.types import NUM_INPUTS, Block, Cell, Combiner, Edge, Genotype, Operation

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_FROM_DARTS = {
    "skip_connect": Operation.IDENTITY,
    "avg_pool_3x3": Operation.AVG_POOL_3X3,
    "max_pool_3x3": Operation.MAX_POOL_3X3,
    "sep_conv_3x3": Operation.SEP_CONV_3X3,
    "sep_conv_5x5": Operation.SEP_CONV_5X5,
    "sep_conv_7x7": Operation.SEP_CONV_7X7,
    "dil_conv_3x3": Operation.DILATED_SEP_CONV_3X3,
    "dil_conv_5x5": Operation.DILATED_SEP_CONV_5X5,
    "conv_7x1_1x7": Operation.CONV_1X7_7X1,  # its code runs 1x7 first, whatever the name says
}
_TO_DARTS = {operation: name for name, operation in _FROM_DARTS.items()}


def from_darts(source: str | Mapping[str, Any] | Any, where: str = "genotype") -> Genotype:
    """Read a genotype in DARTS' notation.

    Args:
        source: The text of a ``Genotype(…)`` call, with or without a name before it; or an object
            or mapping with the four fields.
        where: What the errors call it, such as a file's path.

    Raises:
        DataError: It isn't of that form, or names an operation that a derived cell can't have.
    """
    if isinstance(source, str):
        fields = _parse(source, where)
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


def _parse(text: str, where: str) -> dict[str, Any]:
    """Fields of the one call to Genotype in a text; literals only."""
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{where}: expected Genotype(normal=…, …): {error}") from None
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Genotype"
    ]
    if len(calls) != 1:
        raise DataError(f"{where}: expected one Genotype(normal=…, …), found {len(calls)}")
    named = dict(zip(FIELDS, calls[0].args, strict=False))
    named |= {keyword.arg: keyword.value for keyword in calls[0].keywords if keyword.arg}
    return {name: _literal(node, f"{where}: {name}") for name, node in named.items()}


def _literal(node: ast.expr, where: str) -> Any:
    """Value of a literal; ``range(a, b)`` too, because that is how DARTS prints concat."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name, arguments = node.func.id, [_literal(each, where) for each in node.args]
        if name == "range" and all(type(each) is int and abs(each) < 1000 for each in arguments):
            return list(range(*arguments))
        if name in ("list", "tuple") and len(arguments) == 1:
            return list(arguments[0])
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError) as error:
        raise DataError(f"{where}: expected a plain value: {error}") from None


def _cell(fields: Mapping[str, Any], name: str, where: str) -> Cell:
    pairs, concat = fields[name], fields[f"{name}_concat"]
    edges = [
        _edge(pair, f"{where}: {name}: pair {k}") for k, pair in enumerate(_list(pairs, where))
    ]
    if len(edges) % NUM_INPUTS:
        raise DataError(f"{where}: {name}: expected two pairs a node, found {len(edges)} in all")
    blocks = tuple(Block(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True))
    try:
        return Cell(blocks, tuple(sorted(map(int, _list(concat, where)))))
    except (TypeError, ValueError):
        raise DataError(f"{where}: {name}_concat: expected states, found {concat!r}") from None
    except DataError as error:
        raise DataError(f"{where}: {name} cell: {error}") from None


def _edge(pair: Any, where: str) -> Edge:
    if (
        not isinstance(pair, Sequence)
        or len(pair) != 2
        or not isinstance(pair[0], str)
        or type(pair[1]) is not int
    ):
        raise DataError(f"{where}: expected (operation, input), found {pair!r}")
    if pair[0] not in _FROM_DARTS:
        raise DataError(
            f"{where}: unknown operation {pair[0]!r}; expected one of {', '.join(_FROM_DARTS)}"
        )
    return Edge(pair[1], _FROM_DARTS[pair[0]])


def _list(value: Any, where: str) -> Sequence[Any]:
    if isinstance(value, Sequence | range) and not isinstance(value, str):
        return value
    raise DataError(f"{where}: expected a list, found {value!r}")
