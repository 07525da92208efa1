"""What an item reports: short curves, one file that outlives the worker, at little cost."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from operators.items import reports
from operators.items.reports import MAX_POINTS, Curve, Reporter, Reports, load, reporting
from operators.store.storage import TRAINING, Storage
from tasks.core.errors import TransientError


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    curve = Curve()
    for step in range(20_000):
        curve.add(step, float(step))
        assert curve.points[-1] == (step, step)
        assert len(curve.points) <= MAX_POINTS
    steps = [step for step, _ in curve.points]
    assert steps[0] == 0
    assert len(steps) > MAX_POINTS / 2
    assert set(steps[:-1]) == {i * curve.stride for i in range(len(steps) - 1)}


def test_repeated_steps_replace_those_that_were_lost() -> None:
    curve = Curve()
    for step in (0, 1, 2, 3, 2, 3, 4):
        curve.add(step, float(len(curve.points)))
    assert [step for step, _ in curve.points] == [0, 1, 2, 3, 4]


def test_another_worker_goes_on_with_what_was_said(storage: Storage) -> None:
    key = uuid.uuid4().hex
    assert load(storage, key) is None
    assert reporting(storage) == set()
    first = Reporter(storage, key)
    first.add({"loss": 1.0}, 0, {})
    first.add({"loss": float("nan"), "rate": 0.1}, 1, {"grid.png": b"old"})
    first.save()
    second = Reporter(storage, key)
    second.add({"loss": 0.5}, 1, {"grid.png": b"new"})
    second.save()
    found = load(storage, key)
    assert found is not None
    assert found.curves["loss"].points == [(0, 1.0), (1, 0.5)]
    assert found.curves["rate"].points == [(1, 0.1)]
    assert found.pictures == {"grid.png": (1, b"new")}
    assert reporting(storage) == {key}


def test_many_steps_are_few_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, clock_s = [], [0.0]

    def write(self: Storage, relative: str, content: bytes) -> None:
        written.append(relative)
        clock_s[0] += 0.5

    monkeypatch.setattr(Storage, "write", write)
    monkeypatch.setattr(reports.time, "monotonic", lambda: clock_s[0])
    reporter = Reporter(Storage(str(tmp_path)), "key")
    for step in range(1000):
        clock_s[0] += 0.1
        reporter.add({"loss": 1.0}, step, {})
    assert len(written) == 4, "in 100 s, each half a second long: not above 2 % of the time"
    assert set(written) == {f"{TRAINING}/key/reports"}


def test_a_store_that_fails_costs_no_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write(self: Storage, relative: str, content: bytes) -> None:
        raise TransientError("the store is away")

    reporter = Reporter(Storage(str(tmp_path)), "key")
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", write)
        reporter.add({"loss": 1.0}, 0, {})
    assert "reports of an item wait: the store is away" in caplog.text
    reporter.save()
    found = load(reporter.storage, "key")
    assert found is not None
    assert found.curves["loss"].points == [(0, 1.0)]


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"curves": {"a": 1}}', '{"curves": {}, "pictures": [1]}']
)
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    storage = Storage(str(tmp_path))
    storage.write(f"{TRAINING}/key/reports", text.encode())
    assert load(storage, "key") is None
    reporter = Reporter(storage, "key")
    reporter.add({"loss": 1.0}, 0, {})
    assert isinstance(load(storage, "key"), Reports)
