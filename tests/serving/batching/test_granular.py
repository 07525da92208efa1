"""Requests that share steps or a region are answered as each is alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.bundle.cells import Loop
from tasks.bundle.manifest import Cell, Region, Tensor
from tasks.bundle.runtimes import Entered
from tasks.core.errors import DataError
from tasks.serving.batching.granular import Flow, flow_of
from tasks.serving.types import Arrays

CELL = Cell(along=("x",), state={"y": Tensor(name="h", dtype="float64", shape=("n", 1))})
REGION = Region(
    inputs=(Tensor(name="x", dtype="float64", shape=("n", "length")),),
    outputs=(Tensor(name="y", dtype="float64", shape=("n", "length")),),
    batch="n",
    padding={"length": 0.0},
)


class Doubles:
    """A servable of two heads; it counts what its network is asked, and refuses sevens."""

    def __init__(self, cell: Cell | None = None, region: Region | None = None) -> None:
        self.cell, self.region = cell, region
        self.folder, self.asked = Path(), list[tuple[int, ...]]()

    def enter(self, heads: tuple[str, ...], inputs: Arrays) -> Entered:
        if "odd" in heads:
            raise DataError("no such head")
        return Entered({"x": inputs["given"] + 1}, inputs, {})

    def answer(self, arrays: Arrays) -> Arrays:
        self.asked.append(arrays["x"].shape)
        if (arrays["x"] == 8).any():
            raise DataError("seven")
        if self.cell is None:
            return {"y": arrays["x"] * 2}
        return {"y": arrays["h"] + arrays["x"][:, None]}

    def loop(self) -> Any:
        return None if self.cell is None else Loop(self.answer, self.cell)

    def leave(self, heads: tuple[str, ...], entered: Entered, found: Arrays) -> Any:
        if (found["y"] == -1).any():
            raise DataError("no answer is -1")
        return {head: {"y": found["y"], "given": entered.given["given"]} for head in heads}


def opened(servable: Doubles) -> Flow[str]:
    flow = flow_of(servable)  # type: ignore[arg-type]
    assert flow is not None
    return flow


def drained(flow: Flow[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while flow:
        found |= dict(flow.step())
    return found


def given(*rows: list[float]) -> Arrays:
    return {"given": np.array(rows)}


def test_a_whole_network_has_no_flow():
    assert flow_of(Doubles()) is None  # type: ignore[arg-type]


def test_sequences_share_steps():
    servable = Doubles(cell=CELL)
    flow = opened(servable)
    flow.add("a", "one", given([1, 2, 3]))
    flow.add("b", "one", given([5], [6]))
    found = drained(flow)
    assert found["a"]["y"].tolist() == [[9.0]]
    assert found["b"]["y"].tolist() == [[6.0], [7.0]]
    assert servable.asked == [(3,), (1,), (1,)]


def test_requests_of_any_length_share_a_region_and_are_cut_back():
    servable = Doubles(region=REGION)
    flow = opened(servable)
    flow.add("a", "one", given([1, 2, 3]))
    flow.add("b", "one+two", given([4], [5]))
    assert len(flow) == 2
    found = drained(flow)
    assert servable.asked == [(3, 3)]
    assert found["a"]["y"].tolist() == [[4, 6, 8]]
    assert found["b"]["two/y"].tolist() == [[10], [12]]
    assert found["b"]["one/given"].tolist() == [[4], [5]]
    assert flow.step() == []


FLOWS: list[Callable[[], Doubles]] = [lambda: Doubles(cell=CELL), lambda: Doubles(region=REGION)]


@pytest.mark.parametrize("made", FLOWS, ids=["cell", "region"])
def test_who_can_not_be_answered_fails_alone(made):
    flow = opened(made())
    flow.add("good", "one", given([1, 2]))
    flow.add("seven", "one", given([7, 7]))
    flow.add("last", "one", given([-1.5, -1.5]) if made().region else given([-2]))
    with pytest.raises(DataError, match="no such head"):
        flow.add("odd", "odd", given([1]))
    found = drained(flow)
    assert found["good"]["y"].ravel().tolist() in ([5.0], [4.0, 6.0])
    assert "seven" in str(found["seven"])
    assert "no answer is -1" in str(found["last"])
