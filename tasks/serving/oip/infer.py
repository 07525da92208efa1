"""Requests and answers of ``/infer``, as a server and as a client read and write them.

Beyond the protocol a request may name a signature (``"parameters": {"signature_name": …}``): the
bundle's first is asked where it names none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from tasks.bundle.manifest import Signature
from tasks.serving.oip.tensors import (
    datatype_of,
    dtype_of,
    encode,
    invalid,
    read_bytes,
    read_values,
    write_bytes,
    write_values,
)
from tasks.serving.questions import ask, pick_signature
from tasks.serving.types import Arrays, Question, Spec, Target

HEADER: Final = "inference-header-content-length"
_SIGNATURE, _SIZE = "signature_name", "binary_data_size"
_BINARY, _ALL_BINARY, _CLASSES = "binary_data", "binary_data_output", "classification"
_MAX_VALUES: Final = 4_000_000  # of JSON; parsing them takes a third of a second


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: msgspec.Raw = msgspec.Raw()


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Request(msgspec.Struct):
    inputs: list[_Tensor]
    outputs: list[_Output] = []
    id: str = ""
    parameters: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    outputs: list[_Tensor]


class OipCall:
    """A ``POST`` to ``/infer``, read.

    Attributes:
        spec: Which model it names.
        num_header_bytes: Of the answer, how much is JSON; None for all. Known after `answer`.
    """

    def __init__(self, spec: Spec, body: bytes, num_header_bytes: str) -> None:
        """Note what came; it is understood once the version is known.

        Args:
            spec: Which model it names.
            body: The body.
            num_header_bytes: How much of it is JSON, as its header says; empty for all.
        """
        self.spec = spec
        self.num_header_bytes: int | None = None
        self._body, self._told = body, num_header_bytes

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version; see `tasks.serving.questions.ask`.

        Raises:
            RequestError: INVALID_ARGUMENT, the body is not what the signature takes.
        """
        self._request, arrays = _read(self._body, self._told, _Request)
        name = self._request.parameters.get(_SIGNATURE, "")
        if not isinstance(name, str):
            raise invalid(f"{_SIGNATURE}: expected a text")
        self._name = pick_signature(target.bundle, name)
        outputs = tuple(each.name for each in self._request.outputs)
        return ask(target, self._name, arrays, outputs, deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Tell what it answered.

        Raises:
            RequestError: INVALID_ARGUMENT, an output can't be told as it was asked for.
        """
        signature, request = target.bundle.signatures[self._name], self._request
        usual = request.parameters.get(_ALL_BINARY, False)
        asked = {each.name: each.parameters for each in request.outputs}
        outputs, parts = [], []
        for name, array in arrays.items():
            parameters = asked.get(name, {})
            if num := parameters.get(_CLASSES):
                array = _classes(array, num, signature, name)
            told, part = _tensor(name, array, bool(parameters.get(_BINARY, usual)))
            outputs.append(told)
            parts.append(part)
        head = {
            "model_name": target.model,
            "model_version": str(target.version),
            "outputs": outputs,
        }
        told_id = {"id": request.id} if request.id else {}
        written = encode(head | told_id)
        if any(_SIZE in each.get("parameters", {}) for each in outputs):
            self.num_header_bytes = len(written)
        return written + b"".join(parts)


def write_request(
    signature: str, arrays: Arrays, outputs: tuple[str, ...] = ()
) -> tuple[bytes, dict[str, str]]:
    """A request, all of it binary: its body and its headers.

    Args:
        signature: Name of the signature.
        arrays: Array of each input, by name.
        outputs: Names of the outputs that are wanted; empty for all.
    """
    tensors = [_tensor(name, array, True) for name, array in arrays.items()]
    head = encode(
        {
            "parameters": {_SIGNATURE: signature, _ALL_BINARY: True},
            "inputs": [told for told, _ in tensors],
            "outputs": [{"name": name, "parameters": {_BINARY: True}} for name in outputs],
        }
    )
    return head + b"".join(part for _, part in tensors), {HEADER: str(len(head))}


def read_answer(body: bytes, num_header_bytes: str) -> Arrays:
    """Arrays of an answer, by name.

    Raises:
        RequestError: INVALID_ARGUMENT, it is none.
    """
    return _read(body, num_header_bytes, _Answer)[1]


def _read(body: bytes, told: str, kind: type[Any]) -> tuple[Any, dict[str, npt.NDArray[Any]]]:
    """A message, and the arrays of its inputs or outputs."""
    num = len(body)
    if told:
        if not told.isdigit() or int(told[:20]) > len(body):
            raise invalid(f"{HEADER}: expected at most {len(body)}, got {told[:50]!r}")
        num = int(told)
    head = body[:num]
    if head.count(b",") > _MAX_VALUES:
        raise invalid(f"expected at most {_MAX_VALUES} values of JSON; send binary data")
    try:
        message = msgspec.json.decode(head, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid(f"expected a message of the protocol as JSON: {error}") from error
    tensors = message.inputs if kind is _Request else message.outputs
    return message, _arrays(tensors, memoryview(body)[num:])


def _arrays(tensors: list[_Tensor], rest: memoryview) -> dict[str, npt.NDArray[Any]]:
    """Arrays of tensors, of which some stand behind the JSON, one after the other."""
    found: dict[str, npt.NDArray[Any]] = {}
    for each in tensors:
        where = f"tensor {each.name[:100]!r}"
        if each.name in found:
            raise invalid(f"{where} stands there twice")
        dtype, size = dtype_of(each.datatype, where), each.parameters.get(_SIZE)
        values = bytes(each.data)
        if (size is None) == (not values):
            raise invalid(f"{where}: expected either data or {_SIZE}")
        if values:
            found[each.name] = read_values(values, each.shape, dtype, where)
            continue
        if type(size) is not int or not 0 <= size <= len(rest):
            raise invalid(f"{where}: {_SIZE}: expected at most {len(rest)}, got {str(size)[:50]}")
        found[each.name], rest = read_bytes(rest[:size], each.shape, dtype, where), rest[size:]
    if len(rest):
        raise invalid(f"expected no bytes after those of the tensors, got {len(rest)}")
    return found


def _tensor(name: str, array: npt.NDArray[Any], is_binary: bool) -> tuple[dict[str, Any], bytes]:
    """What is told of a tensor, and its bytes where they stand behind all."""
    told: dict[str, Any] = {
        "name": name,
        "datatype": datatype_of(array),
        "shape": list(array.shape),
    }
    if not is_binary:
        return told | {"data": write_values(array, f"output {name}")}, b""
    data = write_bytes(array)
    return told | {"parameters": {_SIZE: len(data)}}, data


def _classes(
    array: npt.NDArray[Any], num: Any, signature: Signature, name: str
) -> npt.NDArray[Any]:
    """The highest values of an output as texts, ``score:index:label``, the highest first."""
    if type(num) is not int or num < 1 or array.ndim < 1 or array.dtype.kind not in "fiu":
        raise invalid(f"output {name}: {_CLASSES}: expected a number of 1 or more, of scores")
    order = np.argsort(-array.astype(float), axis=-1, kind="stable")[..., :num]
    scores, found = np.take_along_axis(array, order, axis=-1), np.empty(order.shape, object)
    labels: Mapping[int, str] = dict(enumerate(signature.labels))
    for place in np.ndindex(order.shape):
        index = int(order[place])
        label = f":{labels[index]}" if index in labels else ""
        found[place] = f"{scores[place]:f}:{index}{label}".encode()
    return found
