"""How a registered network is asked; `test_model_registry` loads real ones by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from operators.record.orrery_network import Network

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


def test_arrays_that_may_not_be_written_are_taken_without_gradients() -> None:
    weight = torch.ones(1, requires_grad=True)
    array = np.flip(np.arange(3.0))
    array.flags.writeable = False
    found = Network(lambda x: x * weight, ["x"], ["y"]).predict({"x": array})
    np.testing.assert_array_equal(found["y"], [2.0, 1.0, 0.0])
