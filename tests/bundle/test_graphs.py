"""Graphs are data: other operators, later opsets and other files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from tasks.bundle.graphs import check_graph, export_graph, quantise
from tasks.bundle.manifest import Bundle
from tasks.core.errors import DataError
from tests.support.bundle.models import BATCH, exported
from tests.support.hostile.refusals import refused

Made = tuple[Path, Bundle]


def test_a_graph_bears_the_names_that_it_is_given(made: Made) -> None:
    graph = onnx.load(made[0] / "model.onnx").graph
    assert [each.name for each in graph.input] == ["images"]
    assert [each.name for each in graph.output] == ["logits"]
    check_graph(made[0] / "model.onnx", "here")


def test_a_small_graph_multiplies_whole_numbers(made: Made, tmp_path: Path) -> None:
    quantise(made[0] / "model.onnx", tmp_path / "small.onnx")
    check_graph(tmp_path / "small.onnx", "here")
    kinds = {node.op_type for node in onnx.load(tmp_path / "small.onnx").graph.node}
    assert "MatMulInteger" in kinds


class NoOnnx(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.special.bessel_j0(x)


def test_a_network_that_onnx_does_not_know_is_told(tmp_path: Path) -> None:
    program = exported(NoOnnx(), (torch.ones(2, 3),), ({0: BATCH},))
    with pytest.raises(DataError, match="can't be written as ONNX"):
        export_graph(program, tmp_path / "model.onnx", ["x"], ["y"])


def later(model: Any) -> None:
    model.opset_import[0].version = 999


def of_later_form(model: Any) -> None:
    model.ir_version = 999


def custom(model: Any) -> None:
    model.graph.node.append(helper.make_node("Run", ["images"], ["z"], domain="mine"))
    model.opset_import.append(helper.make_opsetid("mine", 1))


def context(model: Any) -> None:
    node = helper.make_node("EPContext", ["images"], ["z"], domain="com.microsoft")
    node.attribute.append(helper.make_attribute("ep_cache_context", "/tmp/run.so"))
    model.graph.node.append(node)


def inside(model: Any) -> None:
    """A custom operator in the branch of a condition."""
    node = helper.make_node("Run", [], ["z"], domain="mine")
    branch = helper.make_graph([node], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["images"], ["z"], then_branch=branch))


def outside(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (later, "got 999; export it for an earlier one"),
        (of_later_form, "got 999"),
        (custom, "got mine:Run; custom ones are not loaded"),
        (context, "got com.microsoft:EPContext"),
        (inside, "got mine:Run"),
        (outside, "lies in '../../etc/passwd'; save it with its tensors there"),
    ],
)
def test_what_a_graph_may_not_hold_is_told(
    made: Made, tmp_path: Path, change: Callable[[Any], None], told: str
) -> None:
    model = onnx.load(made[0] / "model.onnx")
    change(model)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with refused("here", told):
        check_graph(tmp_path / "model.onnx", "here")


@pytest.mark.hostile
@pytest.mark.parametrize("data", [None, b"", b"\xff" * 99, b"import os"])
def test_what_is_no_graph_is_refused(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "model.onnx").write_bytes(data)
    with refused("here"):
        check_graph(tmp_path / "model.onnx", "here")
