"""Claims: one of two runs makes an item, and a dead one does not keep it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from operators.items import claims as claims_module
from operators.items import stage_items
from operators.items.claims import Claims
from operators.stage.local import LocalRun
from operators.store.storage import CLAIMS, Storage
from tasks.core.ports import Items
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    Doubled,
    Number,
    double_numbers,
    double_one,
)

KEY = "a" * 64
FIRST = f"{CLAIMS}/{KEY}/0"


def test_one_holds_an_item_until_it_lets_go(storage: Storage) -> None:
    with Claims(storage) as one, Claims(storage) as two:
        assert one.claim(KEY)
        assert not two.claim(KEY)
        assert two.claim("b" * 64)
        one.release(KEY)
        assert two.claim(KEY)
    assert Claims(storage).claim(KEY), "whoever ends lets go of all"


def test_an_item_of_a_process_that_ended_is_free_at_once(storage: Storage) -> None:
    code = "from operators.owners import owner; print(owner())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    storage.write(FIRST, f"{told.stdout.strip()} x".encode())
    with Claims(storage) as one, Claims(storage) as two:
        assert one.claim(KEY)
        assert not two.claim(KEY)


def test_an_item_of_another_machine_is_free_when_it_gives_no_sign(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(claims_module.time, "monotonic", lambda: clock[0])
    storage.write(FIRST, b"elsewhere-1-1 a")
    one, two = Claims(storage), Claims(storage)
    assert not one.claim(KEY)
    clock[0] = claims_module.LEASE_S + 1
    storage.write(FIRST, b"elsewhere-1-1 b")
    assert not one.claim(KEY), "it lives"
    clock[0] = 2 * claims_module.LEASE_S + 2
    assert not two.claim(KEY), "who looks for the first time can't know"
    assert one.claim(KEY)
    assert not two.claim(KEY)
    for each in (one, two):
        each.__exit__()


def test_a_holder_says_that_it_lives(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "LEASE_S", 0.3)
    with Claims(storage) as one:
        assert one.claim(KEY)
        signs: set[bytes] = set()
        until_s = time.monotonic() + 20.0
        while len(signs) < 3 and time.monotonic() < until_s:
            storage.fs.invalidate_cache()
            signs.add(storage.read_file(FIRST))
            time.sleep(0.02)
        assert len(signs) == 3


def test_an_item_that_ends_while_its_claim_is_renewed_leaves_none(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write, remove = Storage.write, Storage.remove
    ended = threading.Event()

    def removed_late(self: Storage, folder: str) -> None:
        if not ended.is_set():
            ended.set()
            renewing.join()
        remove(self, folder)

    def written_late(self: Storage, *given: object, **told: object) -> None:
        ended.wait(20.0)
        write(self, *given, **told)  # type: ignore[arg-type]

    with Claims(storage) as one:
        assert one.claim(KEY)
        monkeypatch.setattr(Storage, "remove", removed_late)
        monkeypatch.setattr(Storage, "write", written_late)
        renewing = threading.Thread(target=one.renew)
        renewing.start()
        one.release(KEY)
    with pytest.raises(FileNotFoundError):
        storage.read_file(FIRST)
    assert [each for each in caplog.records if each.name == claims_module.__name__] == []


def slowly(item: Number, config: DoubleConfig, folder: object) -> Doubled:
    time.sleep(0.05)
    return double_one(item, config, folder)  # type: ignore[arg-type]


def test_an_item_that_ends_while_it_is_claimed_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, link = Storage(str(tmp_path)), Path.hardlink_to
    others, ours = Claims(storage), Claims(storage)

    def linked_late(self: Path, target: Path) -> None:
        others.release(KEY)
        link(self, target)

    with others, ours:
        assert others.claim(KEY)
        monkeypatch.setattr(Path, "hardlink_to", linked_late)
        assert not ours.claim(KEY)
        assert ours.claim(KEY)


def test_of_two_runs_that_overlap_each_item_is_made_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_items, "CLAIM_POLL_S", 0.02)
    config = DoubleConfig(marks=str(tmp_path / "marks"))
    numbers = [Number(item_id=f"n{index}", value=1.0) for index in range(8)]
    local, found = LocalRun(tmp_path / "store"), []

    def run(items: Items, given: list[Number]) -> None:
        found.append((items.map(slowly, given, config), items.made))

    threads = [
        threading.Thread(
            target=run, args=(local.context(double_numbers, config=config).items, each)
        )
        for each in (numbers, numbers[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = Counter((tmp_path / "marks").read_text().split())
    assert made == Counter(number.item_id for number in numbers)
    assert found[0][0] == found[1][0][::-1]
    assert set(found[0][1]).isdisjoint(found[1][1])
    assert list((tmp_path / "store" / CLAIMS).iterdir()) == []
