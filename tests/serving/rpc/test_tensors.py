"""Tensors become arrays and back, however their values came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.rpc.tensors import list_tensor, read_tensor, write_tensor
from tasks.serving.types import DATA_TYPES, Code, RequestError

NUMBERS = sorted(DATA_TYPES.keys() - {"bytes"})


def tensor(kind: str, shape: Any, **values: Any) -> Any:
    told = MESSAGES["TensorProto"](dtype=DATA_TYPES[kind][1], **values)
    for size in shape:
        told.tensor_shape.dim.add(size=size)
    return told


def read(told: Any, max_bytes: int = 10_000) -> Any:
    return read_tensor(told, "x", max_bytes)


@given(
    st.sampled_from(NUMBERS).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0, max_side=4))
    )
)
def test_any_array_comes_back(array: np.ndarray) -> None:
    for write in (write_tensor, list_tensor):
        told = MESSAGES["TensorProto"]()
        write(array, told)
        found = read(MESSAGES["TensorProto"].FromString(told.SerializeToString()))
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@given(arrays(object, array_shapes(min_dims=0, min_side=0), elements=st.binary(max_size=5)))
def test_any_bytes_come_back(array: np.ndarray) -> None:
    told = MESSAGES["TensorProto"]()
    write_tensor(array, told)
    assert read(told).tolist() == array.tolist()
    assert read(told).shape == array.shape


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        *((kind, "int_val", [1, 2, 3]) for kind in ("int8", "int16", "int32", "uint8", "uint16")),
        ("int64", "int64_val", [-(2**63), 0, 2**63 - 1]),
        ("uint32", "uint32_val", [0, 1, 2**32 - 1]),
        ("uint64", "uint64_val", [0, 1, 2**64 - 1]),
        ("float32", "float_val", [0.5, -1.0, 2.0]),
        ("float64", "double_val", [0.1, -1.0, 2.0]),
        ("bool", "bool_val", [True, False, True]),
        ("bytes", "string_val", [b"a\0", b"", b"\xff"]),
    ],
)
def test_values_may_come_one_by_one_and_the_last_is_repeated(
    kind: str, field: str, values: list[Any]
) -> None:
    assert read(tensor(kind, (3,), **{field: values})).tolist() == values
    assert read(tensor(kind, (2, 2), **{field: values[:1]})).ravel().tolist() == values[:1] * 4
    assert read(tensor(kind, (3,), **{field: values[:2]})).tolist() == [*values[:2], values[1]]
    assert not any(read(tensor(kind, (3,))).tolist()), "none stands for zeros"


@pytest.mark.parametrize(
    ("kind", "field"), [("float32", "float_val"), ("float64", "double_val"), ("bool", "bool_val")]
)
def test_values_of_an_answer_are_listed_where_clients_look_for_them(kind: str, field: str) -> None:
    for num in (0, 1, 127, 128, 70_000):
        array, told = np.arange(num).astype(kind), MESSAGES["TensorProto"]()
        list_tensor(array, told)
        assert [*getattr(told, field)] == array.tolist()
        assert not told.tensor_content


def test_halves_come_as_their_bits() -> None:
    halves = np.array([0.5, -2.0], np.float16)
    told = tensor("float16", (3,), half_val=halves.view(np.uint16).tolist())
    assert read(told).tolist() == [0.5, -2.0, -2.0]


def test_a_true_is_any_byte_but_zero() -> None:
    found = read(tensor("bool", (3,), tensor_content=b"\0\1\2"))
    assert (found.dtype, found.tolist()) == (np.bool, [False, True, True])


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("told", "message"),
    [
        (MESSAGES["TensorProto"](), "input x: no data type 0; there are DT_"),
        (MESSAGES["TensorProto"](dtype=8), "no data type 8"),
        (tensor("float32", (2,), tensor_content=b"1234567"), "size 8 bytes .* got 7"),
        (tensor("float32", (2,), float_val=[1, 2, 3]), "Expecting tensor size 2, got 3 values"),
        (tensor("uint8", (1,), int_val=[256]), "out of the range of uint8"),
        (tensor("float16", (1,), half_val=[-1]), "out of the range of float16"),
        (tensor("float32", (-1,)), r"expected a shape, got \[-1\]"),
        (tensor("float32", (10**6, 10**6)), "at most 10000 bytes"),
        (tensor("float32", (2**62, 2**62, 0)), "at most 10000 bytes"),
        (tensor("float32", [1] * 99), "at most 10000 bytes"),
    ],
)
def test_what_is_no_tensor_is_told(told: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read(told)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert len(str(caught.value)) < 500


def test_a_shape_of_any_rank_is_none() -> None:
    told = tensor("float32", ())
    told.tensor_shape.unknown_rank = True
    with pytest.raises(RequestError, match="expected a shape"):
        read(told)
