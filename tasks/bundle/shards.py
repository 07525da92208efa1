"""Cuts a graph into shards, each small enough for one process, that together answer as it does.

Layers follow each other: a shard is a sub-graph with the weights that it needs. A table of which
rows are looked up (`Gather` along its first axis), and that is larger than a shard, is cut by rows,
and the rows are put together again here. Weights are read as a shard is made, and no other ones
then: if they lie in a file of their own, nobody ever holds all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.bundle.arrays import Arrays
from tasks.bundle.graphs import check_graph
from tasks.bundle.parts import Part, as_part, known_tensors, sub_model, taken
from tasks.bundle.runtimes import Answer
from tasks.core.errors import DataError

Begun = Callable[[], Arrays]  # waits for what was asked
Asked = Callable[[Arrays], Begun]
Place = Callable[[Callable[[], Part]], Asked]
_ROWS: Final = "rows"  # names within a shard of a table
_PLACES: Final = "places"


@dataclass(frozen=True)
class Layers:
    """Nodes that follow each other, in one shard.

    Attributes:
        make: Makes the shard.
        takes: Tensors that it needs.
    """

    make: Callable[[], Part]
    takes: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table whose rows are in several shards.

    Attributes:
        makes: Make the shards, by the number of the first row of each.
        num_rows: Rows of all.
        takes: Tensor of rows' numbers, of any shape; negative ones count from the end.
        gives: Tensor of the rows.
    """

    makes: dict[int, Callable[[], Part]]
    num_rows: int
    takes: str
    gives: str


def open_sharded(
    path: Path, outputs: Sequence[str], max_bytes: int, at: Collection[str], place: Place
) -> Answer:
    """Cut a graph, and have its shards placed one after the other.

    Args:
        path: The graph.
        outputs: What is wanted of it.
        max_bytes: Weights of a shard.
        at: Tensors behind which it is cut, too: what several models have up to there is the same.
        place: Is given what makes a shard, now or once more when it was lost; returns what asks it.

    Raises:
        DataError: The graph may not be opened, or can't be cut so.
    """
    check_graph(path, path.name)
    steps: list[Callable[[Arrays], Arrays]] = []
    for step in plan(path, outputs, max_bytes, at):
        if isinstance(step, Table):
            shards = [(first, place(make)) for first, make in step.makes.items()]
            steps.append(partial(_look_up, step, shards))
        else:
            steps.append(partial(_compute, step.takes, place(step.make)))

    def answer(arrays: Arrays) -> Arrays:
        known = dict(arrays)
        for step in steps:
            known |= step(known)
        return {name: known[name] for name in outputs}

    return answer


def plan(
    path: Path, outputs: Sequence[str], max_bytes: int, at: Collection[str] = ()
) -> list[Layers | Table]:
    """Say how a graph is cut, in the order of its nodes; see `open_sharded`.

    Raises:
        DataError: One node needs more weights than a shard may have, or ``at`` names no tensor.
    """
    import onnx

    # Types of the tensors between the shards; weights that lie elsewhere stay there.
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path), load_external_data=False))
    return _Plan(model, path.parent, max_bytes).steps(outputs, at, path.name)


class _Plan:
    def __init__(self, model: Any, folder: Path, max_bytes: int) -> None:
        self._model, self._folder, self._max_bytes = model, folder, max_bytes
        self._weights = {each.name: each for each in model.graph.initializer}
        inputs = [each for each in model.graph.input if each.name not in self._weights]
        del model.graph.input[:]  # where earlier forms list the weights, too
        model.graph.input.extend(inputs)
        self._sizes = {name: _num_bytes(each) for name, each in self._weights.items()}
        known = known_tensors(model)
        self._known = {name for name in known if known[name].type.tensor_type.elem_type}

    def steps(
        self, outputs: Sequence[str], at: Collection[str], where: str
    ) -> list[Layers | Table]:
        made = {name for node in self._model.graph.node for name in node.output}
        if odd := set(at) - made:
            raise DataError(f"{where}: no tensor {min(odd)[:100]!r} to cut it at")
        groups = list(self._groups(at, where))
        found, given = list[Layers | Table](), {each.name for each in self._model.graph.input}
        for number, nodes in enumerate(groups):
            later = {name for group in groups[number + 1 :] for e in group for name in taken(e)}
            makes = {name for node in nodes for name in node.output}
            gives = sorted(makes & (later | set(outputs)))
            if self._is_table(nodes[0]):
                found.append(self._table(nodes[0]))
            elif gives:
                if odd := set(gives) - self._known:
                    raise DataError(f"{where}: the type of {min(odd)} is not known; cut elsewhere")
                begins = frozenset(given)
                names = {name for node in nodes for name in taken(node)}
                takes = tuple(sorted(names & given))
                found.append(Layers(partial(self._layers, begins, tuple(gives)), takes))
            given |= makes
        return found

    def _groups(self, at: Collection[str], where: str) -> Iterator[list[Any]]:
        """Nodes by shard; a table's look-up stands alone, constants go with whoever needs them."""
        group, held = list[Any](), set[str]()
        for node in self._model.graph.node:
            if node.op_type == "Constant":
                continue
            needs = {name for name in taken(node) if name in self._sizes}
            is_table = self._is_table(node)
            if self._bytes(needs) > self._max_bytes and not is_table:
                raise DataError(
                    f"{where}: {node.op_type} {node.name[:100]} needs "
                    f"{self._bytes(needs) / 1e6:,.1f} MB of weights, a shard may have "
                    f"{self._max_bytes / 1e6:,.1f}; allow more (only tables are cut by rows)"
                )
            if group and (is_table or self._bytes(held | needs) > self._max_bytes):
                yield group
                group, held = [], set()
            group.append(node)
            held |= needs
            if is_table or not set(at).isdisjoint(node.output):
                yield group
                group, held = [], set()
        if group:
            yield group

    def _bytes(self, names: Iterable[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def _is_table(self, node: Any) -> bool:
        axis = next((each.i for each in node.attribute if each.name == "axis"), 0)
        is_lookup = node.op_type == "Gather" and node.domain in ("", "ai.onnx") and axis == 0
        return is_lookup and self._sizes.get(node.input[0], 0) > self._max_bytes

    def _layers(self, begins: Collection[str], gives: Sequence[str]) -> Part:
        from onnx.external_data_helper import load_external_data_for_model

        part = sub_model(self._model, begins, gives)
        load_external_data_for_model(part, str(self._folder))
        for each in part.graph.initializer:
            each.ClearField("data_location")
        return as_part(part)

    def _table(self, node: Any) -> Table:
        table = self._weights[node.input[0]]
        num_rows = table.dims[0]
        row_bytes = self._sizes[table.name] // num_rows
        num_shard = max(1, self._max_bytes // row_bytes)
        return Table(
            {
                first: partial(self._rows, table, first, min(first + num_shard, num_rows))
                for first in range(0, num_rows, num_shard)
            },
            num_rows,
            *(node.input[1], node.output[0]),
        )

    def _rows(self, table: Any, first: int, end: int) -> Part:
        """A shard that looks up rows of its own."""
        from onnx import TensorProto, helper

        kind, width = table.data_type, table.dims[1:]
        graph = helper.make_graph(
            [helper.make_node("Gather", [_ROWS, _PLACES], ["found"])],
            "rows",
            [helper.make_tensor_value_info(_PLACES, TensorProto.INT64, ["n"])],
            [helper.make_tensor_value_info("found", kind, ["n", *width])],
            [_cut(table, first, end, self._folder)],
        )
        model = helper.make_model(graph, opset_imports=self._model.opset_import)
        model.ir_version = self._model.ir_version
        model.ClearField("producer_name")
        return as_part(model)


def _compute(takes: Sequence[str], ask: Asked, known: Arrays) -> Arrays:
    return ask({name: known[name] for name in takes})()


def _look_up(table: Table, shards: Sequence[tuple[int, Asked]], known: Arrays) -> Arrays:
    """Ask all shards that have some of the rows, at once, and put these in order.

    Raises:
        DataError: There is no such row.
    """
    numbers = known[table.takes]
    places = numbers.ravel().astype(np.int64)
    if odd := places[(places < -table.num_rows) | (places >= table.num_rows)].tolist():
        raise DataError(f"expected rows 0 to {table.num_rows - 1} of {table.gives}, got {odd[0]}")
    places[places < 0] += table.num_rows
    owners = np.searchsorted([first for first, _ in shards], places, side="right") - 1
    asked = []
    for owner in np.unique(owners).tolist() or [0]:  # no row at all has a width, too
        first, ask = shards[owner]
        mine = np.flatnonzero(owners == owner)
        asked.append((mine, ask({_PLACES: places[mine] - first})))
    parts = [(mine, begun()["found"]) for mine, begun in asked]
    rows = np.empty((places.size, *parts[0][1].shape[1:]), parts[0][1].dtype)
    for mine, part in parts:
        rows[mine] = part
    return {table.gives: rows.reshape(*numbers.shape, *rows.shape[1:])}


def _cut(table: Any, first: int, end: int, folder: Path) -> Any:
    """Rows of a table, of which nothing else is read if it lies in a file."""
    from onnx import numpy_helper
    from onnx.external_data_helper import load_external_data_for_tensor, set_external_data

    if not table.external_data:
        return numpy_helper.from_array(numpy_helper.to_array(table)[first:end], _ROWS)
    told = {each.key: each.value for each in table.external_data}
    row_bytes = int(told["length"]) // table.dims[0]
    cut = deepcopy(table)
    cut.name, cut.dims[0], cut.raw_data = _ROWS, end - first, b""
    offset = int(told.get("offset", 0)) + first * row_bytes
    set_external_data(cut, told["location"], offset, (end - first) * row_bytes)
    load_external_data_for_tensor(cut, str(folder))
    cut.ClearField("data_location")
    return cut


def _num_bytes(tensor: Any) -> int:
    told = {each.key: each.value for each in tensor.external_data}
    return int(told["length"]) if told else len(tensor.raw_data) or int(tensor.ByteSize())
