"""Writes the JSON answers of the REST interface."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from tasks.bundle.manifest import Bundle, Signature, Tensor
from tasks.serving.batching.forms import counted
from tasks.serving.rest.numbers import listed
from tasks.serving.types import DATA_TYPES, Arrays, Code, RequestError, VersionStatus

HTTP_STATUS: Final[Mapping[Code, int]] = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
_ENCODER = msgspec.json.Encoder()


class Writer:
    """Writes answers to ``:predict`` of one signature."""

    def __init__(self, signature: Signature) -> None:
        """Note the outputs of a signature."""
        self._tensors = {each.name: each for each in signature.outputs}
        self._axes = counted(signature.outputs, signature.batch)

    def write(self, arrays: Arrays, is_by_item: bool) -> bytes:
        """Write by item (``predictions``) or by output (``outputs``).

        A single output goes without its name.

        Raises:
            RequestError: INVALID_ARGUMENT, it was asked by item, and an output isn't.
        """
        found = {
            name: _values(tensor, self._by_item(name, arrays[name]) if is_by_item else arrays[name])
            for name, tensor in self._tensors.items()
            if name in arrays
        }
        told: Any = found
        if len(found) == 1:
            (told,) = found.values()
        elif is_by_item:
            told = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        return _encode({"predictions" if is_by_item else "outputs": told})

    def _by_item(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if name not in self._axes:
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"Tensor name: {name} has inconsistent batch size: it is not by item; ask by "
                "'inputs'",
            )
        return np.moveaxis(array, self._axes[name], 0) if self._axes[name] else array


def write_results(signature: Signature, arrays: Arrays) -> bytes:
    """Answer of ``:classify``, label and score of each class, or of ``:regress``, a number."""
    told = listed(arrays[signature.outputs[0].name])
    if signature.method == "classify":
        told = [list(zip(signature.labels, row, strict=True)) for row in told]
    return _encode({"results": told})


def write_status(versions: Iterable[VersionStatus]) -> bytes:
    """Answer of a status: how each version stands."""
    told = [
        {
            "version": str(each.version),
            "state": each.state.name,
            "status": {"error_code": each.code.name, "error_message": each.message},
        }
        for each in versions
    ]
    return _encode({"model_version_status": told})


def write_metadata(model: str, version: int, bundle: Bundle) -> bytes:
    """Answer of ``/metadata``: what can be asked."""
    signatures = {
        name: {
            "inputs": {e.name: _info(e) for e in each.inputs},
            "outputs": {e.name: _info(e) for e in each.outputs},
            "method_name": f"tensorflow/serving/{each.method}",
        }
        for name, each in bundle.signatures.items()
    }
    return _encode(
        {
            "model_spec": {"name": model, "signature_name": "", "version": str(version)},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }
    )


def write_error(message: str) -> bytes:
    """Answer of a request that failed."""
    return _encode({"error": message})


def _info(tensor: Tensor) -> dict[str, Any]:
    dims = [
        {"size": str(size), "name": axis if isinstance(axis, str) else ""}
        for size, axis in zip(tensor.sizes, tensor.shape, strict=True)
    ]
    return {
        "dtype": DATA_TYPES[tensor.dtype][0],
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": tensor.name,
    }


def _values(tensor: Tensor, array: npt.NDArray[Any]) -> Any:
    """Values as JSON has them; bytes as text, or base64 by their name or if they are none."""
    if array.dtype.kind != "O":
        return listed(array)
    flat = array.ravel().tolist()
    texts = np.empty(len(flat), object)
    try:
        if tensor.name.endswith("_bytes"):
            raise UnicodeError  # noqa: TRY301 - both go the same way
        texts[:] = [each.decode() for each in flat]
    except UnicodeError:
        texts[:] = [{"b64": base64.b64encode(each).decode()} for each in flat]
    return texts.reshape(array.shape).tolist()


def _encode(value: Any) -> bytes:
    found = _ENCODER.encode(value)
    if b"null" in found:  # what is not finite; TensorFlow Serving writes NaN and Infinity
        return json.dumps(value, separators=(",", ":")).encode()
    return found
