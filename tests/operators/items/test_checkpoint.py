"""Checkpoints of items: kept whole, found by the same item alone, gone when it ends."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from operators.items.checkpoint import Checkpoint
from operators.stage.local import LocalRun
from operators.store.prune import prune
from operators.store.storage import TRAINING, Storage
from tests.support.kernel.sample_stages import (
    NUM_EPOCHS,
    DoubleConfig,
    Number,
    NumberList,
    grow_numbers,
)


@pytest.fixture
def config(tmp_path: Path) -> DoubleConfig:
    return DoubleConfig(marks=str(tmp_path / "marks"))


def grow(folder: Path, name: str, config: DoubleConfig) -> list[float]:
    local = LocalRun(folder)
    numbers = local.put(NumberList(numbers=(Number(item_id=name, value=1.0),)))
    ref = local.run(grow_numbers, numbers, config=config)
    return [each.value for each in local.read(ref, NumberList).numbers]


def made(config: DoubleConfig) -> Counter[int]:
    """How often each epoch was made."""
    lines = Path(config.marks).read_text().split()
    return Counter(int(line.partition(":")[2]) for line in lines)


def kept(folder: Path) -> list[Path]:
    return list((folder / TRAINING).glob("*/*"))


def test_the_newest_is_kept_whole(storage: Storage, tmp_path: Path) -> None:
    checkpoint = Checkpoint(storage, uuid.uuid4().hex)
    assert checkpoint.fetch(tmp_path / "fetched") is None
    for text in ("first and longer", "second"):
        (tmp_path / "state").write_text(text)
        checkpoint.save(tmp_path / "state")
    found = Checkpoint(storage, checkpoint.key).fetch(tmp_path / "fetched")
    assert found is not None
    assert found.read_text() == "second"
    assert Checkpoint(storage, "other").fetch(tmp_path / "other") is None
    checkpoint.drop()
    assert checkpoint.fetch(tmp_path / "fetched again") is None
    checkpoint.drop()


def test_a_save_that_is_cut_off_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(Storage(str(tmp_path / "store")), "key")
    (tmp_path / "state").write_text("first")
    checkpoint.save(tmp_path / "state")

    def cut(source: Path, target: Path) -> None:
        target.write_text("fir")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", cut)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(tmp_path / "state")
    found = checkpoint.fetch(tmp_path / "fetched")
    assert found is not None
    assert found.read_text() == "first"


def test_an_item_that_was_cut_off_goes_on_to_the_same_result(
    tmp_path: Path, config: DoubleConfig
) -> None:
    with pytest.raises(KeyboardInterrupt):
        grow(tmp_path / "cut", "cut-1", config)
    assert {path.name for path in kept(tmp_path / "cut")} == {"checkpoint", "reports"}
    values = grow(tmp_path / "cut", "cut-1", config)
    again = {NUM_EPOCHS // 2: 2}
    assert made(config) == dict.fromkeys(range(NUM_EPOCHS), 1) | again, "but no saved epoch"
    assert values == grow(tmp_path / "whole", "cut-1", DoubleConfig())
    assert kept(tmp_path / "cut") == kept(tmp_path / "whole") == []


def test_other_settings_start_anew(tmp_path: Path, config: DoubleConfig) -> None:
    with pytest.raises(KeyboardInterrupt):
        grow(tmp_path / "store", "cut-1", config)
    other = DoubleConfig(factor=3.0)
    assert grow(tmp_path / "store", "cut-1", other) == grow(tmp_path / "whole", "cut-1", other)


def test_an_item_that_can_not_be_used_keeps_none(tmp_path: Path, config: DoubleConfig) -> None:
    loose = DoubleConfig(marks=config.marks, max_skipped_fraction=1.0)
    assert grow(tmp_path / "store", "bad-1", loose) == []
    assert kept(tmp_path / "store") == []


def test_an_abandoned_one_is_pruned(tmp_path: Path, config: DoubleConfig) -> None:
    with pytest.raises(KeyboardInterrupt):
        grow(tmp_path / "store", "cut-1", config)
    storage = Storage(str(tmp_path / "store"))
    path, _ = kept(tmp_path / "store")
    assert prune(storage, timedelta(days=1)) == []
    assert f"{TRAINING}/{path.parent.name}" in prune(storage, timedelta(0))
    assert not path.parent.exists()
