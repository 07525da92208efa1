"""Tensors as TensorFlow sends them (`TensorProto`), to and from arrays.

Values come packed (``tensor_content``), or one by one in the field of their type; where fewer come
than the shape has, the last one is repeated, and none stands for zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.bundle.manifest import BYTES
from tasks.serving.types import DATA_TYPES, Code, RequestError

_NAMES: Final[Mapping[int, str]] = {number: name for name, (_, number) in DATA_TYPES.items()}
_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "int_val"),
    "bool": "bool_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "float16": "half_val",
    "float32": "float_val",
    "float64": "double_val",
    BYTES: "string_val",
}
# How those fields begin in a message whose values lie there as they lie in memory.
_TAGS: Final[Mapping[str, bytes]] = {"float32": b"\x2a", "float64": b"\x32", "bool": b"\x5a"}
_MAX_RANK = 16  # of a bundle's tensors


def read_tensor(tensor: Any, name: str, max_bytes: int) -> npt.NDArray[Any]:
    """Array of a tensor; a view of its bytes, where it can be.

    Args:
        tensor: A ``TensorProto``.
        name: What it is called.
        max_bytes: Greatest size in memory.

    Raises:
        RequestError: INVALID_ARGUMENT, its type is unknown, or its values don't fill its shape.
    """
    kind = _NAMES.get(tensor.dtype)
    if kind is None:
        raise _invalid(f"input {name}: no data type {tensor.dtype}; there are {_known()}")
    shape = [each.size for each in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(each < 0 for each in shape):
        raise _invalid(f"input {name}: expected a shape, got {shape}")
    dtype = np.dtype(object if kind == BYTES else kind)
    num = math.prod(shape)
    if len(shape) > _MAX_RANK or max([num * dtype.itemsize, *shape]) > max_bytes:
        raise _invalid(f"input {name}: expected at most {max_bytes} bytes, got shape {shape}")
    if tensor.tensor_content and kind != BYTES:
        return _packed(tensor.tensor_content, dtype, shape, name)
    return _listed(getattr(tensor, _FIELDS[kind]), kind, dtype, num, name).reshape(shape)


def write_tensor(array: npt.NDArray[Any], tensor: Any) -> None:
    """Fill a ``TensorProto`` with an array, packed; texts have no such form."""
    if _begin(array, tensor) == BYTES:
        tensor.string_val.extend(array.ravel().tolist())
    else:
        tensor.tensor_content = array.tobytes()


def list_tensor(array: npt.NDArray[Any], tensor: Any) -> None:
    """Fill a ``TensorProto`` with an array, one by one in the field of its type.

    So TensorFlow Serving answers, and programs read ``float_val`` of an answer. What lies in memory
    as in a message is parsed as one, which copies it: a loop over values takes 40 times as long.
    """
    kind = _begin(array, tensor)
    if kind in _TAGS:
        content = array.tobytes()
        tensor.MergeFromString(_TAGS[kind] + _varint(len(content)) + content)
        return
    values = array.view(np.uint16) if kind == "float16" else array
    getattr(tensor, _FIELDS[kind]).extend(values.ravel().tolist())


def _begin(array: npt.NDArray[Any], tensor: Any) -> str:
    """Write type and shape; returns the type's name."""
    kind = BYTES if array.dtype == object else array.dtype.name
    tensor.dtype = DATA_TYPES[kind][1]
    for size in array.shape:
        tensor.tensor_shape.dim.add().size = size
    return kind


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _packed(content: bytes, dtype: np.dtype[Any], shape: list[int], name: str) -> npt.NDArray[Any]:
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise _invalid(
            f"input {name}: Expecting tensor size {expected} bytes for {dtype} of shape {shape}, "
            f"got {len(content)}"
        )
    if dtype.kind == "b":  # a byte that is neither 0 nor 1 would be a bool that is neither
        return np.frombuffer(content, np.uint8).reshape(shape).astype(np.bool)
    return np.frombuffer(content, dtype).reshape(shape)


def _listed(values: Any, kind: str, dtype: np.dtype[Any], num: int, name: str) -> npt.NDArray[Any]:
    if len(values) > num:
        raise _invalid(f"input {name}: Expecting tensor size {num}, got {len(values)} values")
    # Halves come as their bits.
    found = np.empty(num, np.uint16 if kind == "float16" else dtype)
    given = [*values] or [b"" if kind == BYTES else 0]
    try:
        found[: len(given)] = given[:num]
        found[len(given) :] = given[-1]
        return found.view(np.float16) if kind == "float16" else found
    except OverflowError as error:
        raise _invalid(f"input {name}: value out of the range of {kind}: {error}") from error


def _known() -> str:
    return ", ".join(name for name, _ in DATA_TYPES.values())


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
