"""Pools of items for ask/tell loops: bounded, journalled, replayed to the same state."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import pytest

from operators.compute.serial import SerialExecutor
from operators.items.pool import Event, Journal
from operators.stage.context import LiveContext, open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from operators.store.storage import Storage
from tasks.core.errors import ArtifactError, ConfigError, TransientError
from tests.support.hostile.refusals import refused
from tests.support.kernel.sample_stages import (
    NUM_CLIMBED,
    DoubleConfig,
    DoubledList,
    climb_numbers,
    double_one,
    like_gpu,
)


class Shuffled(SerialExecutor):
    """Ends calls in an order of its own, latest first."""

    def as_completed(self, futures):
        return iter(list(futures)[::-1])


class Cut(BaseException):
    """Stands for a kill: nothing in the loop may catch it."""


@pytest.fixture
def config(tmp_path: Path) -> DoubleConfig:
    return DoubleConfig(marks=str(tmp_path / "marks"))


def context(local: LocalRun, config: DoubleConfig, size: int, executor: type) -> LiveContext:
    plan = Plan.of(local.request(climb_numbers, config=config))
    ctx = open_context(plan.on("cpu"), SerialExecutor())
    ctx.items.executor, ctx.items.max_in_flight = executor(), size
    return ctx


def climb(local: LocalRun, config: DoubleConfig, size: int = 3, executor: type = Shuffled):
    ref = climb_numbers(config, context(local, config, size, executor))
    return local.read(ref, DoubledList)


def made(config: DoubleConfig) -> collections.Counter[str]:
    return collections.Counter(Path(config.marks).read_text().split())


def told(result: DoubledList) -> list[str]:
    return [each.item_id for each in result.doubled]


def forget_result(local: LocalRun) -> None:
    """Remove the stage's result, so that the loop runs again."""
    for manifest in (local.folder / "local/sample.climb").glob("*/manifest.json"):
        manifest.unlink()
        manifest.parent.rmdir()


def test_the_loop_is_told_every_item_once(tmp_path: Path, config: DoubleConfig) -> None:
    result = climb(LocalRun(tmp_path / "store"), config)
    assert len(result.doubled) == NUM_CLIMBED - 1
    assert [each.item_id for each in result.skipped] == [f"bad-{NUM_CLIMBED // 2}"]
    assert set(made(config).values()) == {1}


def test_the_order_of_ends_matters(tmp_path: Path, config: DoubleConfig) -> None:
    shuffled = climb(LocalRun(tmp_path / "one"), config)
    in_order = climb(LocalRun(tmp_path / "two"), config, executor=SerialExecutor)
    assert shuffled.doubled != in_order.doubled


@pytest.mark.parametrize("num_told", [0, 1, 5, NUM_CLIMBED - 1])
def test_a_loop_that_is_cut_off_comes_to_the_same_state(
    tmp_path: Path, config: DoubleConfig, num_told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = climb(LocalRun(tmp_path / "whole"), config)
    first = made(config)
    cut = LocalRun(tmp_path / "cut")
    note = Journal.add

    def add(self: Journal, index: int, event: Event) -> None:
        if index == num_told:
            raise Cut
        note(self, index, event)

    monkeypatch.setattr(Journal, "add", add)
    with pytest.raises(Cut):
        climb(cut, config)
    monkeypatch.setattr(Journal, "add", note)
    result = climb(cut, config)
    num_same = max(0, num_told - 1)  # one of the noted ends may be the skipped item's
    assert told(result)[:num_same] == told(whole)[:num_same]
    assert sorted(told(result)) == sorted(told(whole))
    again = made(config) - first
    assert {name for name, count in again.items() if count > 1} <= {f"bad-{NUM_CLIMBED // 2}"}


def test_a_replay_keeps_its_order_with_other_workers(tmp_path: Path, config: DoubleConfig) -> None:
    local = LocalRun(tmp_path / "store")
    first = climb(local, config)
    forget_result(local)
    again = climb(local, config, size=1, executor=SerialExecutor)
    assert again == first
    assert set(made(config).values()) == {1}, "not even the skipped item is tried again"


def test_a_pruned_item_is_made_again_in_its_place(tmp_path: Path, config: DoubleConfig) -> None:
    local = LocalRun(tmp_path / "store")
    first = climb(local, config)
    forget_result(local)
    lost = next((local.folder / "local/sample.climb/items").glob("*/manifest.json"))
    lost.unlink()
    assert told(climb(local, config)) == told(first)
    assert sum(made(config).values()) == NUM_CLIMBED + 1


def test_a_stage_must_declare_that_it_replays(tmp_path: Path, config: DoubleConfig) -> None:
    ctx = LocalRun(tmp_path).context(like_gpu, config=config)
    with pytest.raises(ConfigError, match=r"sample\.likes_gpu .* declare it with replays=True"):
        ctx.items.pool(double_one, config, 3)


def test_a_journal_of_another_loop_is_refused(tmp_path: Path, config: DoubleConfig) -> None:
    local = LocalRun(tmp_path / "store")
    climb(local, config)
    forget_result(local)
    event = next((local.folder / "local/sample.climb").glob("*-journal/00000000.json"))
    event.write_text(json.dumps(json.loads(event.read_text()) | {"key": "0" * 64}))
    with pytest.raises(ArtifactError, match="an item ended which was not started"):
        climb(local, config)


def test_a_damaged_event_is_named(tmp_path: Path) -> None:
    journal = Journal(Storage(str(tmp_path)), "journal")
    journal.add(0, Event("a", "a", 1, None))
    (tmp_path / "journal/00000001.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"00000001\.json was altered"):
        journal.events()


@pytest.mark.parametrize("uri", ["local", "memory://journals"])
def test_two_drivers_do_not_share_a_journal(tmp_path: Path, uri: str) -> None:
    journal = Journal(Storage(str(tmp_path) if uri == "local" else uri), f"journal-{tmp_path.name}")
    journal.add(0, Event("a", "a", 1, None))
    with pytest.raises(TransientError, match="written by another driver"):
        journal.add(0, Event("b", "b", 1, None))
    assert journal.events() == [Event("a", "a", 1, None)]


def test_the_progress_tells_made_items_from_found_ones(
    tmp_path: Path, config: DoubleConfig, caplog: pytest.LogCaptureFixture
) -> None:
    local = LocalRun(tmp_path / "store")
    num_good = NUM_CLIMBED - 1
    for number, expected in enumerate(((num_good, 0), (0, num_good))):
        ctx = context(local, config, 3, Shuffled)
        caplog.clear()
        with caplog.at_level("INFO"):
            climb_numbers(config, ctx)
        counts = ctx.items.counts
        assert (counts["made"], counts["reused"]) == expected, f"call {number}"
        assert f"{expected[1]} reused" in caplog.text


EVENTS = [
    "[" * 100_000,
    "[]",
    "null",
    '{"key": ["a"], "item_id": "a", "num_submitted": 1, "reason": null}',
    '{"key": "a", "item_id": "a", "num_submitted": "many", "reason": null}',
    '{"key": "a", "item_id": "a", "num_submitted": 1, "reason": {}}',
    '{"key": "a", "item_id": "a"}',
    "7" * 5000,
    "\0",
]


@pytest.mark.hostile
@pytest.mark.parametrize("text", EVENTS, ids=range(len(EVENTS)))
def test_an_odd_event_is_refused(tmp_path: Path, text: str) -> None:
    storage = Storage(str(tmp_path))
    storage.write("journal/00000000.json", text.encode())
    with refused("00000000.json"):
        Journal(storage, "journal").events()
