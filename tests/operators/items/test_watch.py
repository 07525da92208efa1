"""Reports on their way to the tracker, while their items are made."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from operators.compute.ray_executor import RayExecutor
from operators.compute.serial import SerialExecutor
from operators.items import watch
from operators.items.reports import Curve, Reporter, Reports
from operators.items.watch import Watch
from operators.stage.context import open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from operators.store.storage import Storage
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.kernel.sample_stages import (
    NUM_EPOCHS,
    DoubleConfig,
    Number,
    NumberList,
    climb_numbers,
    grow_numbers,
    wait_until_shown,
)


def events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def curve(folder: Path, name: str) -> list[tuple[int, float]]:
    found = [each for each in events(folder) if name in each.get("metrics", {})]
    return [(each["step"], each["metrics"][name]) for each in found]


def one(step: int, value: float) -> Reports:
    return Reports({"loss": Curve([(step, value)])}, {})


def test_what_is_new_is_shown_once(tmp_path: Path) -> None:
    storage, shown = Storage(str(tmp_path / "store")), tmp_path / "shown"
    looking = Watch(storage, FolderTracker(shown))
    looking.look()
    looking.begin("key", "set 1/../ä")
    looking.begin("other", "silent")
    looking.look()
    assert events(shown) == []
    reporter = Reporter(storage, "key")
    reporter.add({"loss": 3.0}, 0, {"grid.png": b"png"})
    looking.look()
    looking.look()
    reporter.add({"loss": 2.0}, 1, {})
    reporter.save()
    looking.begin("key", "set 1/../ä")  # tried again
    looking.look()
    looking.end("key", Reports({"loss": Curve([(1, 2.0), (2, 1.0)])}, {}))
    looking.end("other", None)
    assert curve(shown, "set_1_/loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert [each["figure"] for each in events(shown) if "figure" in each] == ["set_1_/grid.png"]
    assert (shown / "set_1_/grid.png").read_bytes() == b"png"


def test_more_items_than_anybody_looks_at_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_ITEMS", 2)
    looking = Watch(Storage(str(tmp_path)), FolderTracker(tmp_path / "shown"))
    for name in "abc":
        looking.begin(name, name)
        looking.end(name, one(0, 1.0))
    shown = [list(each["metrics"]) for each in events(tmp_path / "shown")]
    assert shown == [["a/loss"], ["b/loss"]]


@pytest.fixture(params=["serial", pytest.param("ray", marks=pytest.mark.integration)])
def executor(request: pytest.FixtureRequest) -> Any:
    if request.param == "serial":
        return SerialExecutor()
    return RayExecutor.connect(request.getfixturevalue("ray_cluster"))


@pytest.mark.parametrize("function", [grow_numbers, climb_numbers], ids=["map", "pool"])
def test_reports_are_shown_while_the_item_is_made(
    function: Any, executor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_INTERVAL_S", 0.05)
    shown, item = tmp_path / "shown", Number(item_id="first", value=0.5)
    config = DoubleConfig(marks=str(shown / "events.jsonl"))
    local = LocalRun(tmp_path / "store")
    inputs = () if function is climb_numbers else (local.put(NumberList(numbers=(item,))),)
    plan = Plan.of(local.request(function, *inputs, config=config))
    items = open_context(plan.on("cpu"), executor, FolderTracker(shown)).items
    if function is climb_numbers:
        with items.pool(wait_until_shown, config, 1) as pool:
            pool.submit(item)
            outcome = pool.next_ended()[1]
    else:
        (outcome,) = items.map(wait_until_shown, [item], config)
    assert outcome == item
    assert curve(shown, "first/loss") == [(3, 0.5)]
    assert (shown / "first/grid.png").read_bytes().startswith(b"\x89PNG")
    assert not list((tmp_path / "store/.training").glob("*/*"))


def test_an_item_that_goes_on_in_another_run_is_shown_as_a_whole(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    config = DoubleConfig(marks=str(tmp_path / "marks"))
    numbers = local.put(NumberList(numbers=(Number(item_id="cut-1", value=1.0),)))
    plan = Plan.of(local.request(grow_numbers, numbers, config=config))
    for name, expected in (("first", KeyboardInterrupt), ("second", None)):
        ctx = open_context(plan.on("cpu"), SerialExecutor(), FolderTracker(tmp_path / name))
        with pytest.raises(expected) if expected else nullcontext():
            grow_numbers(numbers, config, ctx)
    steps = [step for step, _ in curve(tmp_path / "second", "cut-1/value")]
    assert steps == list(range(NUM_EPOCHS)), "those of the run that was cut off, too"
