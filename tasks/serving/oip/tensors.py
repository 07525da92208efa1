"""Tensors of the protocol: as JSON values, row by row, or as bytes, little-endian.

A text is its length, four bytes, and its bytes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from tasks.serving.types import Code, RequestError

DATATYPES: Final[Mapping[str, str]] = {
    "bool": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bytes": "BYTES",
}
_NUMPY: Final = {told: name for name, told in DATATYPES.items()}
_SCALARS: Final[Mapping[str, type]] = {"i": int, "u": int, "f": float, "b": bool, "O": str}
_LENGTH: Final = struct.Struct("<I")
_MAX_DEPTH: Final = 16


def dtype_of(datatype: str, where: str) -> np.dtype[Any]:
    """NumPy's type of a datatype; objects for texts.

    Raises:
        RequestError: INVALID_ARGUMENT, there is none of this name.
    """
    name = _NUMPY.get(datatype)
    if name is None:
        raise invalid(f"{where}: expected a datatype of {', '.join(_NUMPY)}, got {datatype[:50]!r}")
    return np.dtype(object if name == "bytes" else name)


def datatype_of(array: npt.NDArray[Any]) -> str:
    """Datatype of an array; objects are texts."""
    return DATATYPES["bytes" if array.dtype.kind == "O" else array.dtype.name]


def read_values(
    raw: bytes, shape: Sequence[int], dtype: np.dtype[Any], where: str
) -> npt.NDArray[Any]:
    """Read JSON values, flat or nested.

    Raises:
        RequestError: INVALID_ARGUMENT, they have another type or number.
    """
    scalar, num = _SCALARS[dtype.kind], _num(shape, where)
    flat: list[Any]
    try:
        flat = msgspec.json.decode(raw, type=list[scalar])  # type: ignore[valid-type]
    except msgspec.ValidationError:
        flat = [*_flat(msgspec.json.decode(raw), scalar, where)]
    except msgspec.DecodeError as error:
        raise invalid(f"{where}: expected a list of values: {error}") from error
    if len(flat) != num:
        raise invalid(f"{where}: expected {num} values for shape {list(shape)}, got {len(flat)}")
    try:
        if dtype.kind == "O":
            return _texts([each.encode() for each in flat]).reshape(shape)
        return np.array(flat, dtype).reshape(shape)
    except (OverflowError, UnicodeError) as error:
        raise invalid(f"{where}: a value is no {datatype_name(dtype)}: {error}") from error


def read_bytes(
    data: memoryview, shape: Sequence[int], dtype: np.dtype[Any], where: str
) -> npt.NDArray[Any]:
    """Read a tensor's bytes.

    Raises:
        RequestError: INVALID_ARGUMENT, there are more or fewer than the shape needs.
    """
    num = _num(shape, where)
    if dtype.kind == "O":
        return _texts(_split(data, num, where)).reshape(shape)
    if len(data) != num * dtype.itemsize:
        raise invalid(
            f"{where}: expected {num * dtype.itemsize} bytes for {datatype_name(dtype)} of shape "
            f"{list(shape)}, got {len(data)}"
        )
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def write_bytes(array: npt.NDArray[Any]) -> bytes:
    """A tensor's bytes."""
    if array.dtype.kind == "O":
        return b"".join(_LENGTH.pack(len(each)) + each for each in array.ravel().tolist())
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def write_values(array: npt.NDArray[Any], where: str) -> list[Any]:
    """A tensor's values as JSON has them, row by row.

    Raises:
        RequestError: INVALID_ARGUMENT, bytes that are no text, which JSON can't hold.
    """
    flat: list[Any] = array.ravel().tolist()
    if array.dtype.kind != "O":
        return flat
    try:
        return [each.decode() for each in flat]
    except UnicodeError as error:
        raise invalid(f"{where}: its bytes are no text; ask for binary data") from error


def encode(value: Any) -> bytes:
    """JSON; what is not finite stands there as NaN and Infinity, as Triton writes it."""
    found = msgspec.json.encode(value)
    return json.dumps(value, separators=(",", ":")).encode() if b"null" in found else found


def datatype_name(dtype: np.dtype[Any]) -> str:
    """What the protocol calls a type of NumPy."""
    return DATATYPES["bytes" if dtype.kind == "O" else dtype.name]


def invalid(message: str) -> RequestError:
    """An error of who asks."""
    return RequestError(Code.INVALID_ARGUMENT, message)


def _num(shape: Sequence[int], where: str) -> int:
    if any(size < 0 for size in shape) or len(shape) > _MAX_DEPTH:
        raise invalid(f"{where}: expected sizes of 0 or more, got {list(shape)[:20]}")
    return math.prod(shape)


def _texts(values: list[bytes]) -> npt.NDArray[Any]:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _split(data: memoryview, num: int, where: str) -> list[bytes]:
    found, place = [], 0
    while place < len(data):
        end = place + _LENGTH.size
        if end > len(data):
            break
        (length,) = _LENGTH.unpack(data[place:end])
        place = end + length
        found.append(bytes(data[end:place]))
    if len(found) != num or place != len(data):
        raise invalid(
            f"{where}: expected {num} texts, each with its length before it, in {len(data)} bytes"
        )
    return found


def _flat(values: Any, scalar: type, where: str, depth: int = 0) -> Iterator[Any]:
    """Values of nested lists; a whole number is a float, too."""
    if isinstance(values, list) and depth < _MAX_DEPTH:
        for each in values:
            yield from _flat(each, scalar, where, depth + 1)
    elif type(values) is scalar:
        yield values
    elif scalar is float and type(values) is int:
        yield float(values)
    else:
        raise invalid(f"{where}: expected values of {scalar.__name__}, got {str(values)[:50]!r}")
