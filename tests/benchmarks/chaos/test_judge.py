"""What came of a fault, told from manifests that are made up here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.chaos.judge import Ended, committed, doubled, lost
from benchmarks.chaos.work import SAMPLE
from operators.store.manifests import Manifest
from tests.support.kernel.sample_stages import Number

FIRST, SECOND = "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00"
FIRST_S = 1767225600.0


def item(
    store: Path, number: int, started: str, after_s: float, dag_id: str = SAMPLE, value: float = 0.0
) -> None:
    """Commit an item that a driver made, so many seconds after the first driver began."""
    record = Number(item_id=f"item-{number}", value=value)
    write(store / dag_id / "sample.double" / "items" / f"{number}", record, started, {}, after_s)


def result(store: Path, name: str, started: str, num_made: int) -> None:
    told = {"items": {"made": num_made, "reused": 0, "skipped": 0}}
    place = store / SAMPLE / "sample.double" / name
    write(place, Number(item_id=name, value=0.0), started, told, 200.0)


def write(place: Path, record: Number, started: str, told: dict, after_s: float) -> None:
    manifest = Manifest.of(record, "sample.double", "0" * 64, {"started": started, **told})
    place.mkdir(parents=True)
    path = place / "manifest.json"
    path.write_bytes(manifest.to_bytes())
    os.utime(path, (FIRST_S + after_s, FIRST_S + after_s))


def test_what_was_in_flight_may_be_made_again(tmp_path: Path) -> None:
    item(tmp_path, 0, FIRST, after_s=10.0)
    item(tmp_path, 1, FIRST, after_s=61.0)  # by a worker of the first driver, when it had gone
    item(tmp_path, 2, SECOND, after_s=70.0)
    result(tmp_path, "key", SECOND, num_made=2)
    assert doubled(tmp_path, SAMPLE) == 0


def test_what_was_committed_before_a_driver_began_may_not(tmp_path: Path) -> None:
    item(tmp_path, 0, FIRST, after_s=10.0)
    item(tmp_path, 1, SECOND, after_s=70.0)
    result(tmp_path, "key", SECOND, num_made=2)
    assert doubled(tmp_path, SAMPLE) == 1


def test_groups_of_one_call_count_once(tmp_path: Path) -> None:
    item(tmp_path, 0, FIRST, after_s=10.0)
    item(tmp_path, 1, SECOND, after_s=70.0)
    for name in ("key", "key-1"):
        result(tmp_path, name, SECOND, num_made=2)
    assert doubled(tmp_path, SAMPLE) == 1


def test_an_item_that_is_missing_or_another_is_lost(tmp_path: Path) -> None:
    for number in range(3):
        item(tmp_path / "calm", number, FIRST, 1.0)
    item(tmp_path / "hurt", 0, FIRST, 1.0)
    item(tmp_path / "hurt", 1, FIRST, 1.0, value=0.5)
    assert lost(committed(tmp_path / "calm", SAMPLE), tmp_path / "hurt", SAMPLE) == 2
    assert lost(committed(tmp_path / "calm", SAMPLE), tmp_path / "calm", SAMPLE) == 0


def test_trainings_are_counted_since_their_content_differs(tmp_path: Path) -> None:
    for store, value in (("calm", 0.0), ("hurt", 0.5)):
        item(tmp_path / store, 0, FIRST, 1.0, "search_cells", value)
    assert (
        lost(committed(tmp_path / "calm", "search_cells"), tmp_path / "hurt", "search_cells") == 0
    )


@pytest.mark.parametrize(
    ("state", "mlflow", "is_whole", "is_wrong"),
    [
        ("success", "FINISHED", True, False),
        ("failed", "FAILED", False, False),
        ("failed", "FAILED", True, False),
        ("success", "FINISHED", False, True),
        ("success", "FAILED", True, True),
        ("failed", "FINISHED", True, True),
        ("failed", "RUNNING", False, True),
        ("running", "RUNNING", False, True),
    ],
)
def test_colours_agree_or_not(state: str, mlflow: str, is_whole: bool, is_wrong: bool) -> None:
    ended = Ended(
        dag_id=SAMPLE, run_id="r", state=state, mlflow=mlflow, tries=1, is_whole=is_whole,
        seconds=1.0, saw="nothing",
    )  # fmt: skip
    assert ended.has_wrong_colour is is_wrong
