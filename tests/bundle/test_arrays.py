"""Golden arrays: what is written comes back, and nothing else is read."""

from __future__ import annotations

import pickle
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.bundle.arrays import read_golden, write_golden
from tests.support.hostile.refusals import refused


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=9), max_size=6),
    st.sampled_from(["bool", "uint8", "int64", "float16", "float32", "float64"]),
    st.lists(st.integers(0, 3), max_size=3),
)
def test_arrays_come_back_as_they_were(texts: list[bytes], dtype: str, shape: list[int]) -> None:
    words = np.empty(len(texts), object)
    words[:] = texts
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep" / "golden.safetensors"
        write_golden(path, {"words": words, "x": numbers}, {"words": words[::-1]})
        inputs, outputs = read_golden(path)
    assert [*inputs["words"]] == texts
    assert [*outputs["words"]] == texts[::-1]
    assert (inputs["x"].dtype, inputs["x"].shape) == (numbers.dtype, numbers.shape)
    np.testing.assert_array_equal(inputs["x"], numbers)


def test_an_array_that_lies_otherwise_in_memory_comes_back(tmp_path: Path) -> None:
    turned = np.arange(6.0).reshape(2, 3).T
    write_golden(tmp_path / "a", {"x": turned, "one": np.float32(3)}, {})
    inputs, _ = read_golden(tmp_path / "a")
    np.testing.assert_array_equal(inputs["x"], turned)
    assert inputs["one"].shape == ()


HUGE = b'{"inputs.x":{"dtype":"F64","shape":[10000000000],"data_offsets":[0,80000000000]}}'


@pytest.mark.hostile
@pytest.mark.parametrize(
    "data",
    [
        b"",
        pickle.dumps({"inputs.x": np.zeros(3)}),
        struct.pack("<Q", len(HUGE)) + HUGE,
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"[]",
    ],
    ids=["empty", "pickled", "80 GB", "long header", "list"],
)
def test_files_that_are_none_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "golden").write_bytes(data)
    with refused("golden"):
        read_golden(tmp_path / "golden")


@pytest.mark.hostile
@pytest.mark.parametrize("ends", [[3, 1], [-1, 2], [1.0, 2.0]])
def test_text_that_ends_before_it_begins_is_refused(tmp_path: Path, ends: list[float]) -> None:
    from safetensors.numpy import save_file

    arrays = {"inputs.w": np.zeros(3, np.uint8), "inputs.w#ends": np.array(ends)}
    save_file(arrays, tmp_path / "golden")
    with refused("golden", "ends before it begins"):
        read_golden(tmp_path / "golden")
