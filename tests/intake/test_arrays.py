"""NumPy's files are read only where their headers declare what is there."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.intake.arrays import read_npz
from tests.support.hostile.arrays import npy

NUMBERS = np.arange(12.0).reshape(3, 4)


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=NUMBERS, b=np.arange(3), other=np.array(["text"]))
    found = read_npz(tmp_path / "a.npz", ("a", "b"))
    np.testing.assert_array_equal(found["a"], NUMBERS)
    assert found.keys() == {"a", "b"}


def test_all_arrays_come_back_in_their_order(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", z=NUMBERS.T, a=np.arange(3))
    found = read_npz(tmp_path / "a.npz")
    assert [*found] == ["z", "a"]
    np.testing.assert_array_equal(found["z"], NUMBERS.T)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("note", b"text")
    with pytest.raises(DataError, match=r"a\.npz: expected an \.npz file with z, a, note: "):
        read_npz(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", NUMBERS)
    with pytest.raises(DataError, match=r"a\.npy: expected an \.npz file with arrays of numbers"):
        read_npz(tmp_path / "a.npy")


HEADERS = {
    "80 GB": (npy("<f8", "(10000000000,)"), "header declares 80,000,000,000"),
    "negative": (npy("<f8", "(-3,)"), "are there"),
    "too many": (npy("<f8", "(99,)", b"\0" * 24), "declares 792 bytes, and 24 are there"),
    "objects": (npy("|O", "(3,)", b"\0" * 24), "expected numbers, got object"),
    "text": (npy("<U99999999", "(3,)"), "expected numbers, got <U"),
    "records": (npy("[('a', '<f8', (9999, 9999))]", "(3,)"), "expected numbers, got"),
    "code": (npy("<f8", "__import__('os').abort()"), "expected an .np"),
    "huge header": (npy("<f8", "(3,)" + " " * 30_000), "expected an .np"),
    "not NumPy's": (b"hello", "expected an .np"),
    "empty": (b"", "expected an .np"),
    "version 9": (b"\x93NUMPY\x09\x00" + b"\0" * 99, "version 1 or 2, got"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_declares_what_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    data, reason = HEADERS[name]
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", data)
    for names in (("a",), None):
        with pytest.raises(DataError, match=reason):
            read_npz(tmp_path / "a.npz", names)


@pytest.mark.hostile
def test_zeros_that_unpack_to_more_than_the_limit_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1_000_000), b=np.zeros(1_000_000))
    with pytest.raises(DataError, match=r"b: expected at most 9,000,000 bytes"):
        read_npz(tmp_path / "a.npz", ("a", "b"), 9_000_000)


@pytest.mark.hostile
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=NUMBERS)
    data = buffer.getvalue()
    (tmp_path / "a.npz").write_bytes(data[: int(keep * len(data))])
    with pytest.raises(DataError, match="copy it again"):
        read_npz(tmp_path / "a.npz", ("a",))
    with pytest.raises(DataError, match="expected a plain file"):
        read_npz(tmp_path, ("a",))
