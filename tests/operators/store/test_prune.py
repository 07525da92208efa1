"""Pruning: what is needed stays, what is young stays."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from operators.stage.local import LocalRun
from operators.store.prune import prune
from operators.store.storage import Storage
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    DoubledList,
    ListConfig,
    NumberList,
    double_numbers,
    double_one,
    list_numbers,
)

MONTH = timedelta(days=30)
CUT = "c" * 64


@pytest.fixture
def store(tmp_path: Path) -> Storage:
    """A store with one finished result, and an instance of each kind of rubbish."""
    local = LocalRun(tmp_path)
    numbers = local.run(list_numbers, config=ListConfig(count=2))
    local.run(double_numbers, numbers, config=DoubleConfig())
    abandoned = local.context(double_numbers, numbers, config=DoubleConfig(factor=3.0))
    items = local.read(numbers, NumberList).numbers
    abandoned.items.map(double_one, items, DoubleConfig(factor=3.0))
    for folder in (".drafts/dead", ".training/key", f"local/sample.double/{CUT}"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "manifest.json").write_text('{"format": 1,')
    return Storage(str(tmp_path))


def age(folder: Path) -> None:
    """Make everything two months old."""
    then = time.time() - 2 * MONTH.total_seconds()
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (then, then))


RUBBISH = {".drafts/dead", ".training/key", f"local/sample.double/{CUT}"}


def test_only_what_nothing_needs_goes(store: Storage) -> None:
    age(Path(store.uri))
    assert len(list(Path(store.uri).glob("local/sample.double/items/*"))) == 4
    removed = prune(store, MONTH)
    items = {path for path in removed if "/items/" in path}
    assert set(removed) - items == RUBBISH
    assert len(items) == 2
    assert not any((Path(store.uri) / path).exists() for path in removed)
    local = LocalRun(Path(store.uri))
    numbers = local.run(list_numbers, config=ListConfig(count=2))
    result = local.read(local.run(double_numbers, numbers, config=DoubleConfig()), DoubledList)
    assert [local.fetch(each.file).read_text() for each in result.doubled] == ["0.0\n", "2.0\n"]
    assert prune(store, MONTH) == []


@pytest.mark.parametrize("place", ["archive/2026/capture", "archive/2026/items/capture"])
def test_what_is_no_result_s_stays_where_a_store_lies_above_it(store: Storage, place: str) -> None:
    photo = Path(store.uri, place, "photo.jpg")
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"mine")
    age(Path(store.uri))
    assert set(prune(store, MONTH)) > RUBBISH
    assert photo.read_bytes() == b"mine"


def test_what_is_young_stays(store: Storage) -> None:
    assert prune(store, MONTH) == []


def test_dry_run_removes_nothing(store: Storage) -> None:
    age(Path(store.uri))
    before = sorted(Path(store.uri).rglob("*"))
    assert set(prune(store, MONTH, dry_run=True)) > RUBBISH
    assert sorted(Path(store.uri).rglob("*")) == before


def test_a_draft_goes_at_once_when_its_process_has_ended(store: Storage) -> None:
    ours = store.new_draft_folder()
    theirs = ours.with_name(ours.name.replace(f"-{os.getpid()}-", "-4194305-"))
    theirs.mkdir()
    assert prune(store, MONTH) == [f".drafts/{theirs.name}"]
    assert ours.is_dir()


def test_what_a_run_moves_away_meanwhile_stops_nothing(
    store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(Path(store.uri))
    find, ours = store.fs.find, store.new_draft_folder()

    def find_once(path: str) -> list[str]:
        found: list[str] = find(path)
        if path.endswith(ours.name):
            ours.rmdir()  # as its run does when it commits
        return found

    monkeypatch.setattr(store.fs, "find", find_once)
    removed = set(prune(store, MONTH))
    assert not ours.exists()
    assert removed > RUBBISH
    assert f".drafts/{ours.name}" not in removed


@pytest.mark.hostile
@pytest.mark.parametrize("place", ["elsewhere", ".training/elsewhere", "local/elsewhere"])
def test_what_a_link_leads_to_is_not_the_store_s(
    store: Storage, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "stage" / "mine").mkdir(parents=True)
    (outside / "stage" / "mine" / "photo.jpg").write_bytes(b"mine")
    age(outside)
    age(Path(store.uri))
    (Path(store.uri) / place).symlink_to(outside)
    assert set(prune(store, MONTH)) >= RUBBISH
    assert (outside / "stage" / "mine" / "photo.jpg").read_bytes() == b"mine"
