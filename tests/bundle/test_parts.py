"""Parts of a graph, one after the other, give what the whole one gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tasks.bundle.manifest import Region, Tensor
from tasks.bundle.parts import extract, in_three
from tasks.core.errors import DataError

FLOAT, BOOL = TensorProto.FLOAT, TensorProto.BOOL
WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def info(name: str, *shape: int | str, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def graph() -> Any:
    """Input + 1, times weights, relu; minus the mean of the input, which goes around it."""
    inner = helper.make_graph(
        [helper.make_node("Identity", ["hidden"], ["same"])], "inner", [], [info("same", "n", 3)]
    )
    nodes = [
        helper.make_node("Add", ["x", "one"], ["more"]),
        helper.make_node("MatMul", ["more", "weights"], ["hidden"]),
        helper.make_node("If", ["yes"], ["chosen"], then_branch=inner, else_branch=inner),
        helper.make_node("Relu", ["chosen"], ["seen"]),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["seen", "mean"], ["y"]),
    ]
    values = {"one": np.ones(1, np.float32), "weights": WEIGHTS, "yes": np.array(True)}
    told = helper.make_graph(
        nodes,
        "some",
        [info("x", "n", 2)],
        [info("y", "n", 3)],
        [numpy_helper.from_array(array, name) for name, array in values.items()],
        value_info=[info("more", "n", 2), info("seen", "n", 3), info("chosen", "n", 3)],
    )
    return helper.make_model(told, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def ask(part: bytes, arrays: dict[str, Any], *names: str) -> list[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
    taken = {each.name: arrays[each.name] for each in session.get_inputs()}
    return list(session.run([*names], taken))


def tensor(name: str, width: int, dtype: Any = "float32") -> Tensor:
    return Tensor(name=name, dtype=dtype, shape=("n", width))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(graph(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_three_parts_give_what_the_graph_gives_and_weights_lie_where_they_are_used(path):
    region = Region(inputs=(tensor("more", 2),), outputs=(tensor("seen", 3),), batch="n")
    before, middle, after = in_three(path, region, ["y"])
    x = np.array([[1, -9], [4, 5]], np.float32)
    more = ask(before.graph, {"x": x}, "more")[0]
    seen = ask(middle.graph, {"more": more}, "seen")[0]
    found = ask(after.graph, {"x": x, "seen": seen}, "y")[0]
    np.testing.assert_array_equal(found, ask(path.read_bytes(), {"x": x}, "y")[0])
    kept = [
        {each.name for each in onnx.load_from_string(part.graph).graph.initializer}
        for part in (before, middle, after)
    ]
    assert kept == [{"one"}, {"weights", "yes"}, set()]
    assert (before.takes, middle.takes, after.takes) == (("x",), ("more",), ("seen", "x"))


def test_a_region_that_is_the_whole_graph_has_nothing_around_it(path):
    region = Region(inputs=(tensor("x", 2),), outputs=(tensor("y", 3),), batch="n")
    before, middle, after = in_three(path, region, ["y"])
    assert before.graph == after.graph == b""
    assert (middle.takes, middle.gives) == (("x",), ("y",))


@pytest.mark.parametrize(
    ("enters", "leaves", "message"),
    [
        (tensor("more", 2), tensor("y", 3), "its region takes x, too"),
        (tensor("other", 2), tensor("y", 3), "no tensor 'other' that the region names; it has"),
        (tensor("more", 2, "float64"), tensor("seen", 3), "it is float32 of 2"),
    ],
)
def test_a_region_that_the_graph_has_not_is_refused(path, enters, leaves, message):
    region = Region(inputs=(enters,), outputs=(leaves,), batch="n")
    with pytest.raises(DataError, match=message):
        in_three(path, region, ["y"])


def test_what_no_node_makes_can_not_be_given(path):
    with pytest.raises(DataError, match="no tensor 'hidden' in the graph, or its type"):
        extract(onnx.load(str(path)), ["x"], ["hidden"])
