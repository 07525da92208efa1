"""Cuts an ONNX graph at named tensors: sub-graphs that give together what the whole one gives."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.bundle.manifest import Region, Tensor
from tasks.core.errors import DataError


@dataclass(frozen=True)
class Part:
    """A sub-graph.

    Attributes:
        graph: Its bytes; empty where it would give what it takes.
        takes: Names of its inputs.
        gives: Names of its outputs.
    """

    graph: bytes
    takes: tuple[str, ...]
    gives: tuple[str, ...]


def in_three(path: Path, region: Region, outputs: Collection[str]) -> tuple[Part, Part, Part]:
    """What comes before a region of a graph, the region, and what comes after it.

    The part before takes the graph's inputs; the part after takes what the region gives, and the
    graph's inputs where it needs them, too.

    Raises:
        DataError: The graph has no such tensors, or the region takes more than it says.
    """
    import onnx

    model = onnx.load(str(path))
    known = known_tensors(model)
    for each in (*region.inputs, *region.outputs):
        _check(each, known, path.name)
    enters, leaves = ([each.name for each in some] for some in (region.inputs, region.outputs))
    given = {each.name for each in model.graph.input}
    before = extract(model, given, enters)
    middle = extract(model, enters, leaves)
    after = extract(model, {*given, *leaves}, outputs)
    if odd := set(middle.takes) - set(enters):
        raise DataError(f"{path.name}: its region takes {min(odd)}, too; name it as an input of it")
    return before, middle, after


def extract(model: Any, takes: Collection[str], gives: Collection[str]) -> Part:
    """The part of a model that makes some tensors of others, with the weights that it needs.

    Args:
        model: An `onnx.ModelProto`.
        takes: Names of the tensors at which it may begin; and it may begin at the graph's inputs.
        gives: Names of the tensors that it makes.

    Raises:
        DataError: One of them is not in the graph.
    """
    if {*takes, *(each.name for each in model.graph.input)}.issuperset(gives):
        return Part(b"", tuple(gives), tuple(gives))
    return as_part(sub_model(model, takes, gives))


def sub_model(model: Any, takes: Collection[str], gives: Collection[str]) -> Any:
    """The same as an `onnx.ModelProto`, which says nothing of who wrote it, when and where.

    Raises:
        DataError: One of them is not in the graph.
    """
    import onnx

    graph, known = model.graph, known_tensors(model)
    if odd := set(gives) - set(known):
        raise DataError(f"no tensor {min(odd)!r} in the graph, or its type is not known")
    begins = {*takes, *(each.name for each in graph.input)}
    nodes = _needed(graph, begins, gives)
    names = {name for node in nodes for name in taken(node)} | set(gives)
    made = {name for node in nodes for name in node.output}
    used = sorted(name for name in (names & begins) - made)
    part = onnx.ModelProto(ir_version=model.ir_version)
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    part.graph.name = "part"
    part.graph.node.extend(nodes)
    part.graph.input.extend(known[each] for each in used)
    part.graph.output.extend(known[each] for each in gives)
    part.graph.initializer.extend(e for e in graph.initializer if e.name in names - begins)
    for each in (*part.graph.node, *part.graph.input, *part.graph.output, *part.graph.initializer):
        each.ClearField("doc_string")
        each.ClearField("metadata_props")
    return part


def as_part(model: Any) -> Part:
    """A whole model as a part."""
    takes, gives = (
        tuple(each.name for each in some) for some in (model.graph.input, model.graph.output)
    )
    return Part(model.SerializeToString(deterministic=True), takes, gives)


def known_tensors(model: Any) -> dict[str, Any]:
    """What is known of the tensors of a graph, by name."""
    graph = model.graph
    return {each.name: each for each in (*graph.value_info, *graph.output, *graph.input)}


def _needed(graph: Any, begins: Collection[str], gives: Collection[str]) -> list[Any]:
    """Nodes between tensors, in their order."""
    maker = {name: number for number, node in enumerate(graph.node) for name in node.output}
    pending, found = [*gives], set()
    while pending:
        name = pending.pop()
        if name in begins or name not in maker or maker[name] in found:
            continue
        found.add(maker[name])
        pending += taken(graph.node[maker[name]])
    return [graph.node[each] for each in sorted(found)]


def taken(node: Any) -> Iterator[str]:
    """Tensors that a node takes, and graphs within it, which see those around them."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for each in graph.node:
                yield from taken(each)
            yield from (each.name for each in graph.output)


def _check(tensor: Tensor, known: Mapping[str, Any], where: str) -> None:
    """Compare what a bundle says of a tensor within a graph with what the graph says."""
    import onnx

    if tensor.name not in known:
        near = ", ".join(sorted(known))[:300]
        raise DataError(f"{where}: no tensor {tensor.name!r} that the region names; it has {near}")
    told = known[tensor.name].type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(told.elem_type)
    rank = len(told.shape.dim) if told.HasField("shape") else len(tensor.shape)
    if (dtype, rank) != (tensor.numpy_dtype, len(tensor.shape)):
        raise DataError(
            f"{where}: expected {tensor.name} to be {tensor.dtype} of {len(tensor.shape)} axes, as "
            f"the region says, it is {dtype} of {rank}"
        )
