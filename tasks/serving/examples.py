"""Examples, as `classify` and `regress` take them: features by name, each a flat list of values.

A feature is the input of its name; its values fill the input's shape, of which one axis may be as
long as there are values. A context's features count for every example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.bundle.manifest import Signature, Tensor
from tasks.serving.types import Arrays, Code, RequestError

Features = Mapping[str, Sequence[Any]]
_KINDS: Mapping[str, tuple[type, ...]] = {"f": (float, int), "O": (bytes,), "b": (bool, int)}
_MAX_SHOWN = 100


def arrays_of(
    signature: Signature, examples: Sequence[Features], context: Features | None = None
) -> Arrays:
    """Inputs of a signature, of examples.

    Args:
        signature: The signature.
        examples: Features of each item; values are numbers or `bytes`.
        context: Features of all items.

    Raises:
        RequestError: INVALID_ARGUMENT, there is no example, or a feature is missing, unknown, of
            another type or number of values.
    """
    if not examples:
        raise _invalid("Input is empty: expected at least one example")
    shared = context or {}
    known = {each.name for each in signature.inputs}
    if odd := next((k for each in (shared, *examples) for k in each if k not in known), None):
        raise _invalid(f"feature {odd[:_MAX_SHOWN]!r} is unknown; there are {', '.join(known)}")
    return {each.name: _array(each, signature, examples, shared) for each in signature.inputs}


def _array(
    tensor: Tensor, signature: Signature, examples: Sequence[Features], context: Features
) -> npt.NDArray[Any]:
    if signature.batch not in tensor.shape:
        raise _invalid(f"input {tensor.name} is not by item: ask by predict")
    axis = tensor.shape.index(signature.batch)
    shape = [*tensor.sizes[:axis], *tensor.sizes[axis + 1 :]]
    items = []
    for number, example in enumerate(examples):
        values = example.get(tensor.name, context.get(tensor.name))
        if values is None:
            raise _invalid(f"example {number}: feature {tensor.name} is missing")
        items.append(_item(tensor, shape, values, f"example {number}: feature {tensor.name}"))
    if len({each.shape for each in items}) > 1:
        raise _invalid(f"feature {tensor.name}: expected as many values in each example")
    return np.stack(items, axis)


def _item(tensor: Tensor, shape: list[int], values: Sequence[Any], where: str) -> npt.NDArray[Any]:
    wanted = _KINDS.get(tensor.numpy_dtype.kind, (int,))
    if odd := next((each for each in values if not isinstance(each, wanted)), None):
        raise _invalid(f"{where}: expected {tensor.dtype}, got {type(odd).__name__}")
    num = math.prod(each for each in shape if each >= 0)
    fits = len(values) == num if -1 not in shape else num and len(values) % num == 0
    if not fits or shape.count(-1) > 1:
        raise _invalid(
            f"{where}: expected values for shape {tuple(shape)} (-1: any), got {len(values)}"
        )
    try:
        flat = np.array(values, tensor.numpy_dtype)
    except (OverflowError, ValueError, TypeError) as error:
        raise _invalid(f"{where}: expected {tensor.dtype}: {error}") from error
    return flat.reshape(shape)


def scores_of(signature: Signature, outputs: Arrays) -> list[list[tuple[str, float]]]:
    """Label and score of each class of each item, of what a `classify` signature gave."""
    rows = outputs[signature.outputs[0].name].tolist()
    return [list(zip(signature.labels, row, strict=True)) for row in rows]


def numbers_of(signature: Signature, outputs: Arrays) -> list[float]:
    """Number of each item, of what a `regress` signature gave."""
    numbers: list[float] = outputs[signature.outputs[0].name].tolist()
    return numbers


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
