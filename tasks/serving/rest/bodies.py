"""Reads the JSON bodies of the REST interface.

Each signature has a decoder of its own (msgspec), which checks types while it parses and names the
place of what does not fit. Values come by item (``instances``) or by input (``inputs``); bytes are
text, or ``{"b64": …}``; a single input may go without its name. `NaN` and `Infinity`, which are no
JSON, are read as TensorFlow Serving does.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET, UnsetType

from tasks.bundle.manifest import BYTES, Signature, Tensor
from tasks.serving.batching.forms import counted
from tasks.serving.examples import Features
from tasks.serving.types import Arrays, Code, RequestError

_SCALARS: Mapping[str, type] = {"i": int, "u": int, "f": float, "b": bool}
_MAX_SHOWN = 300
_LARGE_BYTES = 100_000
_MAX_LISTS, _MAX_VALUES = 400_000, 4_000_000  # each about a third of a second's work
_NO_JSON = (b"NaN", b"Infinity")


class Base64(msgspec.Struct, forbid_unknown_fields=True):
    """Bytes that aren't text."""

    b64: bytes


_Value = int | float | str | Base64
_Feature = _Value | list[_Value]


class _Named(msgspec.Struct):
    signature_name: str = ""


class _Examples(msgspec.Struct):
    examples: list[dict[str, _Feature]]
    context: dict[str, _Feature] = {}
    signature_name: str = ""


def unpack(body: bytes, max_bytes: int) -> bytes:
    """Unpack what gzip or deflate has packed; of what is larger, a byte more than may be.

    Raises:
        RequestError: INVALID_ARGUMENT, it is not packed so, cut short, or followed by more.
    """
    unpacker = zlib.decompressobj(wbits=47)  # either header
    try:
        found = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise _invalid(f"expected a packed body: {error}") from error
    if len(found) <= max_bytes and (not unpacker.eof or unpacker.unused_data):
        raise _invalid("expected a packed body, it is cut or followed")
    return found


def signature_name(body: bytes) -> str:
    """Name of the signature that a body asks for; empty if it names none.

    Raises:
        RequestError: INVALID_ARGUMENT, the body is no JSON, or the name no text.
    """
    if not body or b'"signature_name"' not in body:
        return ""
    try:
        return str(_decode(_NAMED, _Named, body).signature_name)
    except RequestError as error:
        if "$.signature_name" in error.message:
            raise _invalid(f"'signature_name' key must be a string value. {error}") from error
        raise


class Reader:
    """Reads bodies of ``:predict`` for one signature."""

    def __init__(self, signature: Signature) -> None:
        """Prepare the decoder of a signature."""
        self.signature = signature
        self._lone = signature.inputs[0] if len(signature.inputs) == 1 else None
        self._axes = counted(signature.inputs, signature.batch)
        # A text may hold brackets, so nothing follows from their number.
        is_text = any(each.dtype == BYTES for each in signature.inputs)
        self._num_lists = 0 if is_text else 1 + sum(map(_num_lists, signature.inputs))
        row: Any = Any
        self._row: Any = ()
        if len(self._axes) == len(signature.inputs):
            row, self._row = _types(signature, signature.batch)
        columns, self._column = _types(signature, None)
        fields = [("instances", _list(row) | UnsetType, UNSET)]
        fields += [("inputs", columns | UnsetType, UNSET)]
        self._type = msgspec.defstruct("Body", fields)
        self._decoder = msgspec.json.Decoder(self._type)

    def read(self, body: bytes, max_items: int = 4096) -> tuple[Arrays, bool]:
        """Inputs of a body, and whether they came by item, as the answer then does.

        Args:
            body: The body.
            max_items: Items that it may hold; what holds far more is not even parsed.

        Raises:
            RequestError: INVALID_ARGUMENT, it is no JSON, has neither or both of ``instances`` and
                ``inputs``, or values of another type, or in rows that differ.
        """
        if self._num_lists:
            _check_size(body, max_items * self._num_lists)
        found = _decode(self._decoder, self._type, body)
        if found.inputs is UNSET and found.instances is not UNSET:
            return self._rows(found.instances), True
        if found.instances is UNSET and found.inputs is not UNSET:
            return self._columns(found.inputs), False
        raise _invalid(
            "Missing 'inputs' or 'instances' key"
            if found.inputs is UNSET
            else "Not formatted correctly: expected one of 'inputs' and 'instances', got both"
        )

    def _rows(self, rows: list[Any]) -> Arrays:
        inputs, named = self.signature.inputs, self._row
        if odd := [each.name for each in inputs if each.name not in self._axes]:
            raise _invalid(
                f"'instances': input {odd[0]} is not by item; ask by 'inputs', which holds a value "
                "for each input"
            )
        if not rows:
            raise _invalid("'instances': expected at least one item, got none")
        columns = [rows]
        if self._lone is None or isinstance(rows[0], named):
            if not all(isinstance(each, named) for each in rows):
                raise _invalid("'instances': expected all items with names, or none")
            fields = named.__struct_fields__
            columns = [[getattr(row, field) for row in rows] for field in fields]
        found = {}
        for tensor, values in zip(inputs, columns, strict=True):
            array, axis = _array(tensor, values, "instances"), self._axes[tensor.name]
            found[tensor.name] = np.moveaxis(array, 0, axis) if 0 < axis < array.ndim else array
        return found

    def _columns(self, columns: Any) -> Arrays:
        if self._lone is not None and not isinstance(columns, self._column):
            return {self._lone.name: _array(self._lone, columns, "inputs")}
        fields = self._column.__struct_fields__
        return {
            tensor.name: _array(tensor, getattr(columns, field), f"inputs, {tensor.name}")
            for tensor, field in zip(self.signature.inputs, fields, strict=True)
        }


def _types(signature: Signature, batch: str | None) -> tuple[Any, Any]:
    """Type of one item, or of all items where `batch` is None, and of it with names."""
    inputs = signature.inputs
    ranks = [len(each.shape) - (batch in each.shape) for each in inputs]
    types = [_type(each, rank) for each, rank in zip(inputs, ranks, strict=True)]
    if ranks == [0] and inputs[0].dtype == BYTES:
        # A lone text may be an object by either name, which is understood with the other texts.
        either = [("b64", bytes | UnsetType, UNSET), ("text", types[0] | UnsetType, UNSET)]
        text = msgspec.defstruct(
            "Text", either, rename={"text": inputs[0].name}, forbid_unknown_fields=True
        )
        return str | text, ()
    fields = [f"input_{number}" for number in range(len(inputs))]
    named = msgspec.defstruct(
        "Named",
        list(zip(fields, types, strict=True)),
        rename=dict(zip(fields, (each.name for each in inputs), strict=True)),
        forbid_unknown_fields=True,
    )
    return (types[0] | named if len(inputs) == 1 else named), named


def read_examples(body: bytes, max_items: int = 4096) -> tuple[list[Features], Features]:
    """Examples and context of a body of ``:classify`` or ``:regress``.

    Args:
        body: The body.
        max_items: Examples that it may hold.

    Raises:
        RequestError: INVALID_ARGUMENT, it is no JSON, or has none.
    """
    _check_size(body, math.inf)
    found = _decode(_EXAMPLES, _Examples, body)
    if len(found.examples) > max_items:
        raise _too_many(f"{max_items} examples", f"{len(found.examples)}")
    return [_features(each) for each in found.examples], _features(found.context)


def _num_lists(tensor: Tensor) -> float:
    """Lists that an item's values are in JSON; infinite if nobody knows."""
    inner = [math.inf if size < 0 else size for size in tensor.sizes[1:-1]]
    found: float = 1 + sum(itertools.accumulate(inner, operator.mul))
    return found


def _check_size(body: bytes, max_lists: float) -> None:
    """Refuse at once what would take seconds to parse, while others wait."""
    if len(body) < _LARGE_BYTES:
        return
    num_lists = body.count(b"[") + body.count(b"{")
    if num_lists > min(max_lists, _MAX_LISTS) + 10 or body.count(b",") > _MAX_VALUES:
        raise _too_many("as many values as the items that a request may hold", "far more")


def _too_many(expected: str, got: str) -> RequestError:
    return _invalid(f"expected at most {expected}, got {got}; ask for them in several requests")


def _features(given: Mapping[str, Any]) -> Features:
    return {
        name: [_plain(each) for each in (value if isinstance(value, list) else [value])]
        for name, value in given.items()
    }


def _type(tensor: Tensor, rank: int) -> Any:
    found: Any = str | Base64
    if tensor.dtype != BYTES:
        found = _SCALARS[tensor.numpy_dtype.kind]
    for _ in range(rank):
        found = _list(found)
    return found


def _list(kind: Any) -> Any:
    return list[kind]


def _array(tensor: Tensor, values: Any, where: str) -> npt.NDArray[Any]:
    dtype = tensor.numpy_dtype
    try:
        if dtype.kind == "O":
            return _texts(values, len(tensor.shape), where)
        if dtype.kind != "f":
            return np.array(values, dtype)
        with np.errstate(over="raise"):
            return np.array(values, dtype)
    except (FloatingPointError, OverflowError) as error:
        raise _invalid(f"'{where}': value is not of expected type: {dtype}: {error}") from error
    except (ValueError, TypeError) as error:  # NumPy's word on lists of other lengths
        raise _invalid(
            f"'{where}': expected rows of one shape (ragged ones go in requests of their own)"
        ) from error


def _texts(values: Any, rank: int, where: str) -> npt.NDArray[Any]:
    """Objects of bytes; nested lists must be of one length a level."""
    shape, flat = [], [values]
    for _ in range(rank):
        sizes = {len(each) for each in flat}
        if len(sizes) > 1:
            raise ValueError(where)
        shape.append(sizes.pop() if sizes else 0)
        flat = [each for one in flat for each in one]
    found = np.empty(len(flat), object)
    found[:] = [_plain(each) for each in flat]
    return found.reshape(shape)


def _plain(value: Any) -> Any:
    """Bytes of a text; a number is as it is."""
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, msgspec.Struct):
        return value
    text, b64 = getattr(value, "text", UNSET), value.b64  # type: ignore[attr-defined]
    if (text is UNSET) is (b64 is UNSET):
        raise _invalid("expected a text, or an object of either b64 or the input's name")
    return _plain(text) if b64 is UNSET else b64


def _decode(decoder: Any, kind: Any, body: bytes) -> Any:
    if not body:
        raise _invalid("JSON Parse error: The document is empty")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(f"JSON Value is not of expected type: {error}"[:_MAX_SHOWN]) from error
    except (msgspec.DecodeError, RecursionError) as error:
        if any(each in body for each in _NO_JSON):
            return _decode_lax(kind, body)
        raise _invalid(f"JSON Parse error: {error}"[:_MAX_SHOWN]) from error


def _decode_lax(kind: Any, body: bytes) -> Any:
    """JSON with NaN and infinities: Python's own parser takes them."""
    try:
        return msgspec.convert(json.loads(body), kind)
    except msgspec.ValidationError as error:
        raise _invalid(f"JSON Value is not of expected type: {error}"[:_MAX_SHOWN]) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(f"JSON Parse error: {error}"[:_MAX_SHOWN]) from error


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)


_NAMED = msgspec.json.Decoder(_Named)
_EXAMPLES = msgspec.json.Decoder(_Examples)
