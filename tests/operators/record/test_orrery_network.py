"""How a registered network is asked; `test_model_registry` loads real ones by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from operators.record.orrery_network import Graph, Network
from tasks.bundle.manifest import Bundle
from tasks.bundle.replay import golden_of
from tests.support.bundle.models import scores


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    folder = tmp_path_factory.mktemp("bundles") / "scores"
    return folder, scores(folder)


DATA = {"right": np.array([[2.0], [3.0]]), "left": np.array(7, np.uint8)}


@pytest.mark.parametrize(
    ("module", "outputs", "expected"),
    [
        (lambda left, right: left + right, ["sum"], {"sum": [[9.0], [10.0]]}),
        (
            lambda left, right: (left, right[:, 0]),
            ["left", "column"],
            {"left": 7, "column": [2.0, 3.0]},
        ),
        (lambda left, right: {"b": left, "a": -left}, ["b", "a"], {"b": 7, "a": 249}),
    ],
    ids=["one", "tuple", "dict"],
)
def test_inputs_come_by_position_and_outputs_go_by_name(
    module: Callable[..., Any], outputs: list[str], expected: dict[str, Any]
) -> None:
    found = Network(module, ["left", "right"], outputs).predict(DATA)
    assert [*found] == outputs
    for name, array in found.items():
        assert isinstance(array, np.ndarray)
        np.testing.assert_array_equal(array, expected[name])


def test_outputs_that_the_signature_leaves_out_are_left_out() -> None:
    found = Network(lambda left, right: (left, right), ["left", "right"], ["a", "b"], ["b"])
    assert [*found.predict(DATA)] == ["b"]


def test_a_graph_is_asked_by_names(made: tuple[Path, Bundle]) -> None:
    folder, bundle = made
    inputs, outputs = golden_of(folder, bundle.signatures["predict"])
    graph = Graph(onnxruntime.InferenceSession(folder / "model.onnx"), ["logits"])
    np.testing.assert_allclose(graph.predict(inputs)["logits"], outputs["logits"], atol=1e-5)


def test_arrays_that_may_not_be_written_are_taken_without_gradients() -> None:
    weight = torch.ones(1, requires_grad=True)
    array = np.flip(np.arange(3.0))
    array.flags.writeable = False
    found = Network(lambda x: x * weight, ["x"], ["y"]).predict({"x": array})
    np.testing.assert_array_equal(found["y"], [2.0, 1.0, 0.0])
