from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.serving.oip.tensors import (
    DATATYPES,
    datatype_of,
    dtype_of,
    encode,
    read_bytes,
    read_values,
    write_bytes,
    write_values,
)
from tasks.serving.types import RequestError

NUMBERS = [name for name in DATATYPES if name != "bytes"]


@given(
    array=st.sampled_from(NUMBERS).flatmap(
        lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
    )
)
def test_numbers_come_back_as_they_were(array):
    dtype = dtype_of(datatype_of(array), "x")
    found = read_bytes(memoryview(write_bytes(array)), array.shape, dtype, "x")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    if array.dtype != np.float16 and np.isfinite(array).all():
        raw = encode(write_values(array, "x"))
        np.testing.assert_array_equal(read_values(raw, array.shape, array.dtype, "x"), array)


def test_texts_have_their_lengths_before_them():
    array = np.array([b"ab", b"", b"\xff"], object)
    told = write_bytes(array)
    assert told == b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0\xff"
    found = read_bytes(memoryview(told), (3,), np.dtype(object), "x")
    assert found.tolist() == array.tolist()
    assert read_values(b'["a", "\xc3\xa4"]', (2, 1), np.dtype(object), "x").tolist() == [
        [b"a"],
        ["ä".encode()],
    ]
    with pytest.raises(RequestError, match="bytes are no text; ask for binary data"):
        write_values(array, "output x")


def test_values_may_be_flat_or_nested_and_whole_numbers_are_floats():
    for raw in (b"[1, 2.5, 3, 4]", b"[[1, 2.5], [3, 4]]"):
        found = read_values(raw, (2, 2), np.dtype("float32"), "x")
        np.testing.assert_array_equal(found, [[1, 2.5], [3, 4]])


def test_what_is_not_finite_is_written_as_triton_does():
    assert json.loads(encode({"x": [float("nan"), 1.0]}))["x"][1] == 1
    assert encode([float("inf")]) == b"[Infinity]"


@pytest.mark.parametrize(
    ("raw", "dtype", "told"),
    [
        (b"[1, 2]", "int32", "expected 3 values"),
        (b'["1", 2, 3]', "int32", "expected values of int, got '1'"),
        (b"[1.5, 2, 3]", "int32", "expected values of int, got '1.5'"),
        (b"[true, 1, 2]", "int32", "expected values of int, got 'True'"),
        (b"[1, 2, 300]", "uint8", "a value is no UINT8"),
        (b"[1, 2", "int32", "expected a list of values"),
        (b"[null, 2, 3]", "float32", "expected values of float, got 'None'"),
        (b"[" * 40 + b"1" + b"]" * 40, "int32", "expected values of int"),
    ],
)
def test_other_values_are_refused(raw, dtype, told):
    with pytest.raises(RequestError, match=told):
        read_values(raw, (3,), np.dtype(dtype), "tensor 'x'")


@pytest.mark.parametrize(
    ("data", "dtype", "told"),
    [
        (b"1234", "int32", "expected 8 bytes for INT32 of shape"),
        (b"\x02\0\0\0ab", "object", "expected 2 texts"),
        (b"\x02\0\0\0ab\x09\0\0\0c", "object", "expected 2 texts"),
        (b"\x02\0\0\0ab\x01\0", "object", "expected 2 texts"),
    ],
)
def test_other_bytes_are_refused(data, dtype, told):
    with pytest.raises(RequestError, match=told):
        read_bytes(memoryview(data), (2,), np.dtype(dtype), "x")


def test_odd_types_and_sizes_are_refused():
    with pytest.raises(RequestError, match="expected a datatype of BOOL"):
        dtype_of("BF16", "x")
    with pytest.raises(RequestError, match="sizes of 0 or more"):
        read_bytes(memoryview(b""), (-1,), np.dtype("int8"), "x")
