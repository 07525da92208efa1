"""What `bundle.json` may say; most of what it may not."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tasks.bundle.manifest import Bundle, FileName, greatest_difference, parse_bundle
from tasks.core.errors import DataError
from tests.support.hostile.refusals import check_sentence

X = {"name": "x", "dtype": "float32", "shape": ["n", 4, "length"]}
Y = {"name": "y", "dtype": "float32", "shape": ["n", 2]}
SIGNATURE = {
    "method": "classify",
    "inputs": [X],
    "outputs": [Y],
    "batch": "n",
    "labels": ["a", "b"],
    "padding": {"length": 0.0},
    "golden": "golden/x.safetensors",
    "tolerance": 0.001,
}
NETWORK = {"runtime": "onnx", "file": "model.onnx", "outputs": ["y"]}
FILE = {"sha256": "0" * 64, "num_bytes": 1}
DOCUMENT: dict[str, Any] = {
    "schema": "orrery.bundle/1",
    "name": "some",
    "signatures": {"classify": SIGNATURE},
    "networks": {"onnx": NETWORK},
    "files": {"model.onnx": FILE, "golden/x.safetensors": FILE},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def parse(document: Any) -> Bundle:
    return parse_bundle(json.dumps(document), "here/bundle.json")


def changed(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    *places, last = path.split(".")
    where: Any = document
    for each in places:
        where = where[int(each) if isinstance(where, list) else each]
    where[int(last) if isinstance(where, list) else last] = value
    return document


def test_a_document_is_read_and_written_as_it_was() -> None:
    bundle = parse(DOCUMENT)
    assert bundle.signatures["classify"].inputs[0].sizes == (-1, 4, -1)
    assert parse_bundle(bundle.text(), "again") == bundle
    assert json.loads(bundle.text())["schema"] == "orrery.bundle/1"


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "orrery.bundle/3", "schema: .*bundle/2', got 'orrery.bundle/3'; a later Orrery"),
        ("schema", ["x" * 999], "schema: .*bundle/2', got .*; a later Orrery"),
        ("run_this", "rm -rf /", "run_this: Extra"),
        ("files", {"../escape": FILE}, r"files\.\.\./escape"),
        ("files", {"/etc/passwd": FILE}, "pattern"),
        ("files", {"a/../../b": FILE}, "pattern"),
        ("files", {".hidden": FILE}, "pattern"),
        ("files", {"a\0b": FILE}, "pattern"),
        ("files", {"bundle.json": FILE}, "can't hold its own digest"),
        ("files", {}, "golden/x.safetensors is used and not among them"),
        ("files", {"model.onnx": FILE | {"sha256": "0" * 63}}, "sha256"),
        ("files", {"model.onnx": FILE | {"num_bytes": -1}}, "num_bytes"),
        ("networks", {}, "networks"),
        ("networks.onnx.outputs", ["z"], "network onnx gives no y for signature classify"),
        ("networks.onnx.outputs", ["y", "y"], "names that differ"),
        ("networks.onnx.target", "os:system", "target"),
        ("networks.onnx.target", "tasks.core:__import__", "target"),
        ("networks.onnx", {"runtime": "onnx", "outputs": ["y"]}, "a file or a target"),
        ("signatures.classify.before", {"function": "os:system", "version": 1}, "function"),
        ("signatures.classify.method", "execute", "method"),
        ("signatures.classify.method", "regress", r"regress: expected one output .*\('n',\)"),
        ("signatures.classify.method", "predict", "labels are for classify"),
        ("signatures.classify.labels", ["a"], r"classify: expected one output .*\('n', 1\)"),
        ("signatures.classify.batch", "m", "the size 'm'"),
        ("signatures.classify.padding", {"n": 0.0}, "'n', or it counts items"),
        ("signatures.classify.padding", {"width": 0.0}, "no input has the size 'width'"),
        ("signatures.classify.tolerance", -1, "tolerance"),
        ("signatures.classify.tolerance", "0.1", "tolerance"),
        ("signatures.classify.warm_up", [10**9], "warm_up"),
        ("signatures.classify.inputs", [X, X], "names that differ"),
        ("signatures.classify.inputs.0.dtype", "object", "dtype"),
        ("signatures.classify.inputs.0.shape", [1] * 99, "shape"),
        ("signatures.classify.inputs.0.shape", ["__import__('os')", "n"], "shape"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(path: str, value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        parse(changed(path, value))
    check_sentence(str(caught.value), "here/bundle.json")


STATE = {"name": "h", "dtype": "float32", "shape": ["n", 3]}
CELL = {"along": ["x"], "state": {"y": STATE}}
REGION = {"inputs": [X], "outputs": [Y], "batch": "n"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"cell": CELL | {"along": ["h"]}}, "names that differ"),
        ({"cell": CELL | {"state": {"y": STATE | {"shape": ["n", "m"]}}}}, "fixed sizes after"),
        ({"cell": CELL | {"state": {"y": STATE | {"shape": [1, 3]}}}}, "expected items"),
        ({"cell": CELL | {"collected": ["y"]}}, "y is a state"),
        ({"cell": CELL | {"collected": ["z"]}}, "the network gives no z"),
        ({"cell": CELL | {"state": {"z": STATE}}}, "the network gives no z"),
        ({"cell": CELL, "region": REGION}, "runtime onnx that is no cell"),
        ({"region": REGION, "runtime": "torch"}, "runtime onnx that is no cell"),
        ({"region": REGION | {"batch": "m"}}, "x has no size 'm'"),
        ({"region": REGION | {"padding": {"m": 0.0}}}, "no input has the size 'm'"),
    ],
)
def test_a_cell_or_region_that_contradicts_itself_is_refused(more: Any, message: str) -> None:
    document = changed("networks.onnx", NETWORK | more) | {"schema": "orrery.bundle/2"}
    with pytest.raises(DataError, match=message):
        parse(document)


@pytest.mark.parametrize("more", [{"cell": CELL}, {"region": REGION}])
def test_cells_and_regions_are_of_a_schema_that_earlier_releases_refuse(more: Any) -> None:
    document = changed("networks.onnx", NETWORK | more)
    with pytest.raises(DataError, match=r"of schema orrery.bundle/2"):
        parse(document)
    assert parse(document | {"schema": "orrery.bundle/2"}).networks["onnx"] is not None


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[" * 100_000, '{"schema": NaN}', '{"a": ' * 50_000, "\x00", "1e999"],
    ids=["empty", "cut", "null", "deep list", "nan", "deep object", "zero", "infinite"],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"here/bundle\.json"):
        parse_bundle(text, "here/bundle.json")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    paths = [
        *("name", "signatures", "networks", "files", "use", "provenance", "networks.onnx"),
        *(f"signatures.classify.{name}" for name in SIGNATURE),
        *(f"signatures.classify.inputs.0.{name}" for name in X),
        *(f"networks.onnx.{name}" for name in ("runtime", "file", "target", "outputs", "curve")),
    ]
    document = changed(data.draw(st.sampled_from(paths)), data.draw(JSON))
    try:
        bundle = parse(document)
    except DataError:
        return
    assert parse_bundle(bundle.text(), "again") == bundle


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=30) | st.text(alphabet="ab./\\~", max_size=12) | st.just("a/" * 9),
)
def test_no_file_lies_outside_of_its_folder(name: str) -> None:
    try:
        TypeAdapter(FileName).validate_python(name)
    except ValidationError:
        return
    parts = PurePosixPath(name).parts
    assert "/".join(parts) == name
    assert not any(part.startswith(".") for part in parts)
    assert Path("/bundle", name).resolve().is_relative_to("/bundle")


@pytest.mark.parametrize(
    ("found", "expected", "difference"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([1.0, math.inf], [1.0, math.inf], 0.0),
        ([1.0, math.nan], [1.0, 2.0], math.nan),
        ([True, False], [True, True], 1.0),
        ([0, 255], [255, 0], 255.0),
    ],
)
def test_differences_are_of_values(found: Any, expected: Any, difference: float) -> None:
    kind = np.uint8 if max(found) == 255 else None
    told = greatest_difference(np.array(found, kind), np.array(expected, kind))
    assert told == difference or (math.isnan(told) and math.isnan(difference))


def test_bytes_are_the_same_or_are_not() -> None:
    one, other = np.array([b"a", b"b"], object), np.array([b"a", b"c"], object)
    assert greatest_difference(one, one) == 0.0
    assert greatest_difference(one, other) == math.inf
