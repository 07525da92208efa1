"""What a network takes and gives, by name, and the golden arrays that must agree with it.

A program of `torch.export` says the names of its inputs, and type, rank and sizes of all tensors;
sizes that it leaves open have a name, such as ``s37``, that is the same wherever the size is. What
the golden arrays say once more is compared with it; they add only the names of outputs, where the
program returns no dict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from re import findall
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.models import ModelPackage
from tasks.intake.arrays import read_npz

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Tensor:
    """An input or output of a program.

    Attributes:
        name: What it is called.
        dtype: Its type.
        axes: Size of each axis; of a dynamic one the name of the size, or, where it follows from
            another, a formula such as ``2*s37``.
    """

    name: str
    dtype: np.dtype[Any]
    axes: tuple[int | str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis, -1 where it is dynamic, as MLflow has it."""
        return tuple(axis if isinstance(axis, int) else -1 for axis in self.axes)

    def fits(self, array: npt.NDArray[Any]) -> bool:
        """Whether an array has its type, its rank and its fixed sizes."""
        return (
            array.dtype == self.dtype
            and array.ndim == len(self.axes)
            and all(want in (-1, have) for want, have in zip(self.shape, array.shape, strict=True))
        )


@dataclass(frozen=True)
class Golden:
    """A network's golden arrays, which agree with what its program says.

    Attributes:
        takes: Inputs of the program, in its order.
        gives: Its outputs, in its order.
        inputs: Array of each input.
        outputs: Array of each output, or of some.
    """

    takes: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]
    inputs: Arrays
    outputs: Arrays

    @property
    def items(self) -> frozenset[str]:
        """Dynamic sizes that count items: those with which an output begins.

        Not so where another size follows from it: nobody knows what there belongs to an item.
        """
        all_axes = {axis for each in (*self.takes, *self.gives) for axis in each.axes}
        sizes = {axis for axis in all_axes if isinstance(axis, str)}
        derived = {name for size in sizes for name in findall(r"\w+", size) if name != size}
        taken = {axis for each in self.takes for axis in each.axes}
        leading = {each.axes[0] for each in self.gives if each.axes}
        both = sizes & taken & leading
        return frozenset(size for size in both - derived if size.isidentifier())

    def first(self, num: int) -> Golden:
        """The first items alone, and the outputs that tell of them."""
        items = self.items
        inputs = {each.name: _first(num, self.inputs, each, items) for each in self.takes}
        told = [each for each in self.gives if items.intersection(each.axes)]
        outputs = {each.name: _first(num, self.outputs, each, items) for each in told}
        return Golden(self.takes, self.gives, inputs, outputs)


def read_golden(package: ModelPackage) -> Golden:
    """Read a network's golden arrays, and compare them with its program.

    Raises:
        DataError: The program is none, takes or gives other things than tensors, or has no dynamic
            axis; or the golden arrays have other names, types or sizes than it says.
    """
    where = f"model {package.name}"
    inputs, outputs = read_npz(package.golden_inputs), read_npz(package.golden_outputs)
    takes, gives = _forms(package, [*outputs], where)
    names = [each.name for each in takes]
    if sorted(names) != sorted(inputs):
        raise DataError(
            f"{where}: expected golden inputs {', '.join(names)}, as the parameters of its program "
            f"are called, got {', '.join(inputs)}"
        )
    if not any(-1 in each.shape for each in takes):
        raise DataError(
            f"{where}: expected an input with a dynamic axis, all sizes are fixed; export it with "
            "dynamic_shapes"
        )
    golden, sizes = Golden(takes, gives, inputs, outputs), dict[str, int]()
    for each in takes:
        _check(inputs[each.name], each, sizes, f"{where}: golden input {each.name}")
    for each in gives:
        _check(outputs[each.name], each, sizes, f"{where}: golden output {each.name}")
    if few := [axis for axis in golden.items if sizes[axis] < 2]:
        of = ", ".join(each.name for each in takes if set(few).intersection(each.axes))
        raise DataError(f"{where}: expected golden inputs of two items or more, got one in {of}")
    return golden


def _first(num: int, arrays: Arrays, tensor: Tensor, items: Collection[str]) -> npt.NDArray[Any]:
    part = [slice(num if axis in items else None) for axis in tensor.axes]
    array: npt.NDArray[Any] = arrays[tensor.name][(*part, ...)]
    return array


def _check(array: npt.NDArray[Any], tensor: Tensor, sizes: dict[str, int], where: str) -> None:
    """Compare an array with its form; sizes by their names are noted, and must be the same."""
    if not tensor.fits(array):
        raise DataError(
            f"{where}: expected {tensor.dtype} of shape {tensor.shape}, as its program says (-1: "
            f"any), got {array.dtype} of shape {array.shape}"
        )
    for number, (axis, size) in enumerate(zip(tensor.axes, array.shape, strict=True)):
        if isinstance(axis, str) and sizes.setdefault(axis, size) != size:
            raise DataError(
                f"{where}: expected a size of {sizes[axis]} of axis {number}, which its program "
                f"says is the same as another, got {size}"
            )


def _forms(
    package: ModelPackage, told: Sequence[str], where: str
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """What a program takes, and what it gives; outputs are told by names that it does not say."""
    import torch

    try:
        program = torch.export.load(package.model)
    except Exception as error:
        raise DataError(
            f"{where}: expected a program that torch.export.save wrote, {package.model.name} is "
            f"none ({type(error).__name__}: {error})"
        ) from error
    taken, given = program.graph_signature.user_inputs, program.graph_signature.user_outputs
    by_position, by_keyword = program.call_spec.in_spec.children()
    out = program.call_spec.out_spec
    is_flat = all(each.is_leaf() for each in (*by_position.children(), *out.children()))
    if by_keyword.children() or not is_flat:
        raise DataError(
            f"{where}: expected a program that takes tensors by position, and returns one, a tuple "
            "or a dict of them, got one that takes some by keyword, or nests them"
        )
    names = [*out.context] if out.type is dict else told
    if sorted(names) != sorted(told) or len(names) != len(given):
        wanted = ", ".join(names) if out.type is dict else f"{len(given)} in its order"
        raise DataError(
            f"{where}: expected golden outputs as its program returns them, {wanted}, got "
            f"{', '.join(told)}"
        )
    return _tensors(program, taken, taken, where), _tensors(program, given, names, where)


def _tensors(
    program: Any, nodes: Sequence[Any], names: Sequence[Any], where: str
) -> tuple[Tensor, ...]:
    """Tensors of a program's graph, under the names that they have outside of it."""
    import torch

    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    found = []
    for node, name in zip(nodes, names, strict=True):
        value = values.get(node)
        if not isinstance(value, torch.Tensor):
            raise DataError(f"{where}: expected tensors in and out alone, got {name!r}")
        try:
            dtype = torch.empty(0, dtype=value.dtype).numpy().dtype
        except TypeError as error:
            raise DataError(
                f"{where}: expected types that NumPy has, got {value.dtype} for {name}; let the "
                "program convert it"
            ) from error
        axes = tuple(each if isinstance(each, int) else str(each) for each in value.shape)
        found.append(Tensor(str(name), dtype, axes))
    return tuple(found)
