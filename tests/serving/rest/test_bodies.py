"""JSON bodies become arrays of the signature's types, or say where they don't fit."""

from __future__ import annotations

import base64
import gzip
import json
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tasks.bundle.manifest import Signature
from tasks.serving.rest.bodies import Reader, read_examples, signature_name, unpack
from tasks.serving.types import Code, RequestError
from tests.support.serving.bundles import LONE, MIXED, TAGS, signature, tensor

ONE, TWO = (
    signature((tensor("x", kind, "n", 2),), (tensor("y", "float32", "n"),))
    for kind in ("float32", "uint8")
)
TEXT = signature((tensor("text", "bytes", "n"),), (tensor("y", "float32", "n"),))
ROUND = signature((tensor("x", "float32", 2, "n"),), (tensor("y", "float32", "n"),))


def told(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("body", "is_by_item"),
    [
        ({"instances": [[1, 2], [3, 4]]}, True),
        ({"instances": [{"words": [1, 2]}, {"words": [3, 4]}], "signature_name": "tags"}, True),
        ({"inputs": [[1, 2], [3, 4]], "more": {}}, False),
        ({"inputs": {"words": [[1, 2], [3, 4]]}}, False),
    ],
)
def test_one_input_comes_by_item_or_whole_with_its_name_or_without(
    body: Any, is_by_item: bool
) -> None:
    found, by_item = Reader(TAGS).read(told(body))
    assert by_item is is_by_item
    assert found["words"].dtype == np.int64
    assert found["words"].tolist() == [[1, 2], [3, 4]]


def test_several_inputs_come_by_name() -> None:
    both = signature(MIXED.inputs[:2], MIXED.outputs)
    rows = [{"x": [1, 2.5], "name": "é"}, {"name": {"b64": "/w=="}, "x": [3, 4]}]
    found, _ = Reader(both).read(told({"instances": rows}))
    assert found["name"].tolist() == ["é".encode(), b"\xff"]
    assert found["x"].tolist() == [[1, 2.5], [3, 4]]
    columns = {"name": ["a"], "x": [[1, 2]], "weight": [0.5]}
    found, _ = Reader(MIXED).read(told({"inputs": columns}))
    assert (found["weight"].tolist(), found["weight"].dtype) == ([0.5], np.float64)


@pytest.mark.parametrize(
    "value", ["/w==", {"b64": "/w=="}, {"text": "/w=="}, {"text": {"b64": "/w=="}}]
)
def test_text_is_itself_unless_it_is_base64(value: Any) -> None:
    found, _ = Reader(TEXT).read(told({"instances": [value]}))
    is_coded = "b64" in str(value)
    assert found["text"].tolist() == [b"\xff" if is_coded else b"/w=="]


def test_items_may_be_counted_by_another_axis() -> None:
    found, _ = Reader(ROUND).read(told({"instances": [[1, 2], [3, 4], [5, 6]]}))
    assert found["x"].tolist() == [[1, 3, 5], [2, 4, 6]]


def test_a_call_that_is_one_item_comes_whole() -> None:
    assert Reader(LONE).read(told({"inputs": [1, 2, 3]}))[0]["x"].tolist() == [1, 2, 3]
    with pytest.raises(RequestError, match="input x is not by item; ask by 'inputs'"):
        Reader(LONE).read(told({"instances": [1, 2, 3]}))


def test_nan_and_infinity_are_read() -> None:
    found, _ = Reader(ONE).read(b'{"instances": [[NaN, -Infinity]]}')
    assert math.isnan(found["x"][0, 0])
    assert found["x"][0, 1] == -math.inf


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: Input data was truncated"),
        (b'{"instances": [[1, 2]]} x', r"trailing characters"),
        (b"\xff\xfe", "JSON Parse error"),
        (b"[[1, 2]]", "Expected `object`, got `array`"),
        (b'{"instance": [[1, 2]]}', "Missing 'inputs' or 'instances' key"),
        (b'{"instances": [[1, 2]], "inputs": [[1, 2]]}', "one of 'inputs' and 'instances'"),
        (b'{"instances": {"x": 1}}', r"Expected `array`, got `object` - at `\$.instances`"),
        (b'{"instances": null}', "got `null`"),
        (b'{"instances": []}', "'instances': expected at least one item"),
        (b'{"instances": [[1, 2], [3, "4"]]}', r"got `str` - at `\$.instances\[1\]\[1\]`"),
        (b'{"instances": [[1, 2.5]]}', r"not of expected type: .*`int`, got `float`"),
        (b'{"instances": [[1, true]]}', "got `bool`"),
        (b'{"instances": [[1, 256]]}', "not of expected type: uint8: .*256 out of bounds"),
        (b'{"instances": [[1, -1]]}', "-1 out of bounds"),
        (b'{"instances": [[1, NaN]]}', "Expected `int`, got `float`"),
        (b'{"instances": [[1, 99999999999999999999]]}', "expected type: uint8"),
        (b'{"instances": [[1, 2], [3]]}', "'instances': expected rows of one shape"),
        (b'{"instances": [[1, 2], {"x": [3, 4]}]}', "'instances': expected rows of one shape"),
        (b'{"instances": [[1, 2], [[3], 4]]}', "got `array`"),
        (b'{"instances": [{"x": [1, 2]}, [3, 4]]}', "all items with names, or none"),
        (b'{"instances": [{"y": [1, 2]}]}', "unknown field `y`"),
        (b'{"instances": [{}]}', "missing required field `x`"),
        (b'{"inputs": 3}', "got `int`"),
        (b'{"NaN": ' + b"[" * 90_000, "JSON Parse error"),
        (b'{"more": ' + b"[" * 90_000, "JSON Parse error"),
    ],
)
def test_what_is_no_request_is_told(body: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        Reader(TWO).read(body)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [{"b64": "!"}]}, r"Invalid base64 .* at `\$.instances\[0\].b64`"),
        ({"instances": [{"b64": "/w==", "text": "a"}]}, "either b64 or the input"),
        ({"instances": [{}]}, "either b64 or the input"),
        ({"instances": [["a"]]}, "got `array`"),
        ({"instances": [3]}, "got `int`"),
    ],
)
def test_text_that_is_none_is_told(body: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Reader(TEXT).read(told(body))


def test_a_float_that_is_too_large_is_told() -> None:
    with pytest.raises(RequestError, match="not of expected type: float32"):
        Reader(ONE).read(b'{"instances": [[1, 1e300]]}')


def test_ragged_text_is_told() -> None:
    lists = signature((tensor("t", "bytes", "n", "k"),), (tensor("y", "float32", "n"),))
    assert Reader(lists).read(told({"inputs": []}))[0]["t"].shape == (0, 0)
    with pytest.raises(RequestError, match="expected rows of one shape"):
        Reader(lists).read(told({"inputs": [["a"], ["b", "c"]]}))


@given(
    st.sampled_from(["float32", "float64", "int8", "uint64", "bool"]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=2, max_dims=2))
    )
)
def test_any_array_is_read_back(array: np.ndarray) -> None:
    x = tensor("x", array.dtype.name, "n", "k")
    reader = Reader(signature((x,), (tensor("y", "float32", "n"),)))
    for key in ("instances", "inputs"):
        found, _ = reader.read(told({key: array.tolist()}))
        assert found["x"].dtype == array.dtype
        np.testing.assert_array_equal(found["x"], array)


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=5))
def test_any_bytes_are_read_back(values: list[bytes]) -> None:
    rows = [{"b64": base64.b64encode(each).decode()} for each in values]
    assert Reader(TEXT).read(told({"instances": rows}))[0]["text"].tolist() == values


PICTURES = signature((tensor("x", "uint8", "n", 3, 64),), (tensor("y", "float32", "n"),))
FREE = signature((tensor("x", "uint8", "n", "h", "w"),), (tensor("y", "float32", "n"),))


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("told_", "body"),
    [
        (TAGS, b'{"instances": [' + b"[1]," * 2_000_000 + b"[1]]}"),
        (PICTURES, b'{"inputs": [' + b"[[]]," * 500_000 + b"[]]}"),
        (FREE, b'{"inputs": [[' + b"[1]," * 1_000_000 + b"[1]]]}"),
        (TAGS, b'{"instances": [[' + b"1," * 8_000_000 + b"1]]}"),
    ],
)
def test_what_holds_far_too_much_is_not_parsed(told_: Signature, body: bytes) -> None:
    begun_s = time.process_time()
    with pytest.raises(RequestError, match=r"expected at most .* far more; .* several requests"):
        Reader(told_).read(body)
    assert time.process_time() - begun_s < 0.2, "parsing takes a second and more"


def test_what_is_large_and_may_be_is_parsed() -> None:
    rows = [[[1] * 64] * 3] * 4096
    found, _ = Reader(PICTURES).read(told({"instances": rows}))
    assert found["x"].shape == (4096, 3, 64)
    text = "[{," * 1_500_000
    assert Reader(TEXT).read(told({"instances": [text]}))[0]["text"] == [text.encode()]


def test_the_signature_is_found_before_the_rest_is_read() -> None:
    assert signature_name(b'{"instances": "odd", "signature_name": "tags"}') == "tags"
    assert signature_name(b'{"instances": [1]}') == ""
    assert signature_name(b"") == ""
    with pytest.raises(RequestError, match="'signature_name' key must be a string value"):
        signature_name(b'{"signature_name": 3}')
    with pytest.raises(RequestError, match="JSON Parse error"):
        signature_name(b'{"signature_name": "x"')


def test_examples_are_features_with_a_context() -> None:
    body = {
        "examples": [{"words": [1, 2], "t": {"b64": "/w=="}}, {"words": 3, "t": "é"}],
        "context": {"x": 0.5},
    }
    examples, context = read_examples(told(body))
    assert examples == [
        {"words": [1, 2], "t": [b"\xff"]},
        {"words": [3], "t": ["é".encode()]},
    ]
    assert context == {"x": [0.5]}
    with pytest.raises(RequestError, match="at most 1 examples, got 2"):
        read_examples(told(body), 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "missing required field `examples`"),
        ({"examples": {}}, "got `object`"),
        ({"examples": [{"x": [[1]]}]}, r"\$.examples\[0\]"),
        ({"examples": [{"x": None}]}, "got `null`"),
    ],
)
def test_what_is_no_example_is_told(body: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_examples(told(body))


def test_packed_bodies_are_whole() -> None:
    packed = gzip.compress(b"some")
    assert unpack(packed, 4) == b"some"
    assert unpack(gzip.compress(bytes(10_000_000)), 4) == bytes(5), "a bomb is not unpacked"
    for odd in (packed[:-1], packed + b"more", b"none"):
        with pytest.raises(RequestError, match="expected a packed body"):
            unpack(odd, 100)
