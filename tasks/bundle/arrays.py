"""Golden arrays in a file: as safetensors, which hold numbers alone, and never code.

A file's header is checked against its size before anything is read, and nothing is compressed, so
no file takes more memory than disk. Text, which safetensors don't know, is kept as the bytes of all
values and where each ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.files import shown

Arrays = Mapping[str, npt.NDArray[Any]]
INPUTS, OUTPUTS = "inputs.", "outputs."
_ENDS = "#ends"  # no tensor's name has a hash


def write_golden(path: Path, inputs: Arrays, outputs: Arrays) -> None:
    """Write golden inputs and outputs; arrays of objects hold `bytes`."""
    from safetensors.numpy import save_file

    told: dict[str, npt.NDArray[Any]] = {}
    for prefix, arrays in ((INPUTS, inputs), (OUTPUTS, outputs)):
        for name, array in arrays.items():
            told |= _as_numbers(prefix + name, np.asarray(array))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(told, path)


def read_golden(path: Path) -> tuple[Arrays, Arrays]:
    """Read golden inputs and outputs.

    Raises:
        DataError: It is no such file.
    """
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
        arrays = {name: _as_bytes(found, name) for name in found if not name.endswith(_ENDS)}
    except Exception as error:  # safetensors and NumPy raise several kinds of what is damaged
        raise DataError(
            f"{shown(path)}: expected golden arrays as safetensors: {error}; copy the bundle again"
        ) from error
    inputs, outputs = (
        {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        for prefix in (INPUTS, OUTPUTS)
    )
    return inputs, outputs


def _as_numbers(name: str, array: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    if array.dtype != object:
        return {name: np.ascontiguousarray(array).reshape(array.shape)}
    values = array.ravel().tolist()
    ends = np.cumsum([len(each) for each in values], dtype=np.int64).reshape(array.shape)
    return {name: np.frombuffer(b"".join(values), np.uint8), name + _ENDS: ends}


def _as_bytes(found: Arrays, name: str) -> npt.NDArray[Any]:
    ends = found.get(name + _ENDS)
    if ends is None:
        return found[name]
    places = np.concatenate([[0], ends.ravel(), [found[name].size]])
    if (np.diff(places) < 0).any() or found[name].dtype != np.uint8 or ends.dtype != np.int64:
        raise ValueError(f"{name} ends before it begins")
    data, cuts = found[name].tobytes(), places.tolist()[:-1]
    values = np.empty(ends.size, object)
    values[:] = [data[i:j] for i, j in itertools.pairwise(cuts)]
    return values.reshape(ends.shape)
