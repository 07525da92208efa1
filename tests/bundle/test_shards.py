"""Shards of a graph give together what the whole one gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tasks.bundle.arrays import Arrays
from tasks.bundle.parts import Part
from tasks.bundle.runtimes import open_graph
from tasks.bundle.shards import Table, open_sharded, plan
from tasks.core.errors import DataError
from tests.support.hostile.refusals import refused

WORDS, WIDTH = 11, 4
TABLE = np.arange(WORDS * WIDTH, dtype=np.float32).reshape(WORDS, WIDTH)
TABLE_BYTES, LAYER_BYTES = TABLE.nbytes, 4 * WIDTH * WIDTH


def info(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(num_layers: int = 4, seed: int = 0, prefix: str = "") -> Any:
    """Rows of a table, layers with a way around each, and the table once more as the last layer."""
    rng = np.random.default_rng(seed)
    nodes = [
        helper.make_node("Gather", ["table", "words"], ["x0"], doc_string=prefix),
        helper.make_node("Constant", [], ["half"], value=numpy_helper.from_array(np.float32(0.5))),
    ]
    arrays = {"table": TABLE}
    for k in range(num_layers):
        arrays[f"w{k}"] = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32)
        nodes += [
            helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"h{k}"]),
            helper.make_node("Tanh", [f"h{k}"], [f"t{k}"]),
            helper.make_node("Mul", [f"t{k}", "half"], [f"s{k}"]),
            helper.make_node("Add", [f"s{k}", "x0" if k % 2 else f"x{k}"], [f"x{k + 1}"]),
        ]
    graph = helper.make_graph(
        nodes,
        prefix or "some",
        [info("words", "n", "t", kind=TensorProto.INT64)],
        [info(f"x{num_layers}", "n", "t", WIDTH), info("x1", "n", "t", WIDTH)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(model(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


class Here:
    """Places shards in this process."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def __call__(self, make: Callable[[], Part]) -> Callable[[Arrays], Callable[[], Arrays]]:
        part = make()
        self.parts.append(part)
        ask = open_graph(part.graph, part.gives, part.takes)
        return lambda arrays: lambda: ask(arrays)


def check_same(path: Path, max_bytes: int, at: tuple[str, ...] = ()) -> Here:
    """Compare shards with the whole; returns them."""
    here, outputs = Here(), ("x4", "x1")
    sharded = open_sharded(path, outputs, max_bytes, at, here)
    whole = open_graph(str(path), outputs)
    words = np.random.default_rng(1).integers(-WORDS, WORDS, (3, 5))
    for asked in (words, words[:1, :2], words[:0], words[:, :0]):
        found, expected = sharded({"words": asked}), whole({"words": asked})
        for name in outputs:
            np.testing.assert_array_equal(found[name], expected[name])
    return here


@pytest.mark.parametrize(
    ("max_bytes", "num_shards"),
    [(10_000, 1), (TABLE_BYTES + 40, 3), (2 * LAYER_BYTES + 40, 4), (LAYER_BYTES + 20, 7)],
)
def test_shards_give_what_the_whole_gives(path, max_bytes, num_shards):
    here = check_same(path, max_bytes)
    assert len(here.parts) == num_shards
    weights = [onnx.load_from_string(part.graph).graph.initializer for part in here.parts]
    assert all(sum(e.ByteSize() for e in some) <= max_bytes + 20 for some in weights)


@given(max_bytes=st.integers(LAYER_BYTES + 20, 1000), cut=st.sampled_from(["h0", "x2", "s3"]))
@settings(max_examples=20, deadline=None)
def test_shards_of_any_size_give_the_same(tmp_path_factory, max_bytes, cut):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    onnx.save(model(), path)
    check_same(path, max_bytes, (cut,))


def test_weights_in_a_file_of_their_own_are_read_shard_by_shard(tmp_path):
    path, plain = tmp_path / "model.onnx", tmp_path / "plain.onnx"
    onnx.save(model(), plain)
    onnx.save(model(), path, save_as_external_data=True, location="weights", size_threshold=0)
    found, expected = (check_same(each, 2 * LAYER_BYTES + 40) for each in (path, plain))
    assert [part.graph for part in found.parts] == [part.graph for part in expected.parts]


def test_models_share_what_they_have_up_to_a_cut(tmp_path):
    shards = []
    for number, layers in enumerate((4, 5)):
        path = tmp_path / f"{number}.onnx"
        onnx.save(model(layers, prefix=f"of {number}"), path)
        here = Here()
        open_sharded(path, (f"x{layers}",), 100_000, ("x3",), here)
        shards.append([part.graph for part in here.parts])
    assert shards[0][0] == shards[1][0]
    assert shards[0][1] != shards[1][1]


def test_a_row_that_is_not_there_is_told(path):
    sharded = open_sharded(path, ("x1",), TABLE_BYTES // 2, (), Here())
    with refused("rows 0 to 10", "got 11"):
        sharded({"words": np.array([[0, 11]])})


@pytest.mark.parametrize(
    ("max_bytes", "at", "told"),
    [
        (LAYER_BYTES - 1, (), "MatMul"),
        (10_000, ("nowhere",), "no tensor 'nowhere'"),
    ],
)
def test_what_cannot_be_cut_is_told(path, max_bytes, at, told):
    with pytest.raises(DataError, match=told):
        plan(path, ("x4",), max_bytes, at)


def test_rows_are_cut_by_size(path):
    (table, *_) = plan(path, ("x4",), TABLE_BYTES // 2)
    assert isinstance(table, Table)
    assert list(table.makes) == [0, 5, 10]
