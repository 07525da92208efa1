"""NumPy's files of unknown origin: what their headers declare is checked before it is allocated.

`numpy.load` makes an array of the declared shape first, and then looks whether the bytes are there.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.files import shown

MAX_BYTES = 4_000_000_000
_NUMBERS = "biuf"  # kinds of dtypes; the others hold text, dates or Python's objects
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    path: Path, names: Sequence[str] | None = None, max_bytes: int = MAX_BYTES
) -> Mapping[str, npt.NDArray[Any]]:
    """Read arrays of numbers from an ``.npz`` file; others that it holds are left alone.

    Args:
        path: The file.
        names: Arrays that it must have; all that it holds, in its order, if None.
        max_bytes: Size of all of them in memory above which it is refused.

    Raises:
        DataError: It is missing, no such file, damaged, lacks an array, or an array's header
            declares more than the limit, or more than there is.
    """
    try:
        _check_file(path, 2 * max_bytes)
        with zipfile.ZipFile(path) as archive:
            if names is None:
                names = [each.removesuffix(".npy") for each in archive.namelist()]
            room = max_bytes
            for name in names:
                room -= _checked_bytes(archive, name, f"{shown(path)}: {name}", room, max_bytes)
            return {name: _read(archive, name) for name in names}
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise a dozen kinds of what is damaged
        wanted = ", ".join(names or ["arrays of numbers"])
        raise DataError(
            f"{shown(path)}: expected an .npz file with {wanted}: {error}; copy it again"
        ) from error


def _check_file(path: Path, max_bytes: int) -> None:
    if not path.is_file() or path.stat().st_size > max_bytes:
        raise DataError(
            f"{shown(path)}: expected a plain file of arrays, of at most {max_bytes:,} bytes"
        )


def _checked_bytes(
    archive: zipfile.ZipFile, name: str, where: str, room: int, max_bytes: int
) -> int:
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as file:
        return _check_header(file, entry.file_size, where, room, max_bytes)


def _check_header(
    file: IO[bytes], num_file_bytes: int, where: str, room: int, max_bytes: int
) -> int:
    """Bytes of an array that may be read."""
    version = np.lib.format.read_magic(file)
    if version not in _READERS:
        raise DataError(f"{where}: expected an array of version 1 or 2, got {version}")
    shape, _, dtype = _READERS[version](file)
    if dtype.kind not in _NUMBERS:
        raise DataError(f"{where}: expected numbers, got {dtype}; save numbers alone")
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > room:
        raise DataError(
            f"{where}: expected at most {max_bytes:,} bytes of numbers, its header declares "
            f"{num_bytes:,}; check that it is the right file"
        )
    if num_bytes != num_file_bytes - file.tell():
        raise DataError(
            f"{where}: its header declares {num_bytes:,} bytes, and "
            f"{num_file_bytes - file.tell():,} are there; copy it again"
        )
    return num_bytes


def _read(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(f"{name}.npy") as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array
