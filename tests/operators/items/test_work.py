"""One item: its key, its making, and how often it is tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operators.items.work import ItemWork, StageWork, make_item, make_item_together
from operators.processes.limits import Limits
from operators.store.storage import Storage
from tasks.core.errors import ArtifactError
from tasks.core.ports import ItemFolder
from tasks.core.stages import StageSpec
from tests.support.kernel.sample_stages import DoubleConfig, Doubled, Number, double_one

ONE = Number(item_id="one", value=1.0)


def stage_work(tmp_path: Path, **changes: Any) -> StageWork:
    given: dict[str, Any] = {
        "storage": Storage(str(tmp_path)),
        "folder": "p/s/items",
        "spec": StageSpec(name="s", section="x", draws=True),
        "key_parts": {"stage": "s"},
        "seed": 0,
        "limits": Limits(),
        "provenance": {"host": "here"},
    }
    return StageWork(**given | changes)


def item_work(tmp_path: Path, function: Any = double_one, **changes: Any) -> ItemWork:
    return ItemWork(stage_work(tmp_path, **changes), function, Doubled, DoubleConfig(), {})


def break_store(item: Number, config: DoubleConfig, folder: ItemFolder, /) -> Doubled:
    raise ArtifactError("the file is missing")


def test_an_item_is_made_committed_and_found(tmp_path: Path) -> None:
    work = item_work(tmp_path)
    key = work.key(ONE)
    assert work.find(key) is None
    made = make_item(work, key, ONE)
    assert work.find(key) == made.outcome
    manifest = work.stage.storage.read(f"p/s/items/{key}")
    assert manifest is not None
    assert manifest.provenance["host"] == "here"
    assert manifest.provenance["seconds"] >= 0


def test_a_key_depends_on_the_stage_the_settings_and_the_item(tmp_path: Path) -> None:
    keys = {
        item_work(tmp_path).key(ONE),
        item_work(tmp_path, key_parts={"stage": "t"}).key(ONE),
        item_work(tmp_path, function=break_store).key(ONE),
        ItemWork(stage_work(tmp_path), double_one, Doubled, DoubleConfig(factor=5.0), {}).key(ONE),
        item_work(tmp_path).key(Number(item_id="one", value=2.0)),
    }
    assert len(keys) == 5
    others = {"seed": 7, "limits": Limits(seconds=1.0), "provenance": {}}
    assert item_work(tmp_path, **others).key(ONE) == item_work(tmp_path).key(ONE)


def test_an_error_keeps_its_kind_and_names_the_item(tmp_path: Path) -> None:
    work = item_work(tmp_path, break_store)
    with pytest.raises(ArtifactError, match="s, item one: the file is missing"):
        make_item(work, work.key(ONE), ONE)


def test_only_the_first_process_commits_and_saves(tmp_path: Path) -> None:
    work = item_work(tmp_path, save_and_report)
    key = work.key(ONE)
    assert make_item(work, key, ONE, 1).outcome == make_item(work, key, ONE, 2).outcome
    assert work.find(key) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [".drafts"]
    made = make_item_together(work, key, ONE, 0)
    assert work.find(key) == made.outcome
    assert made.reports is not None
    assert made.reports.curves["value"].points == [(7, 1.0)]


def save_and_report(item: Number, config: DoubleConfig, folder: ItemFolder) -> Doubled:
    assert folder.checkpoint() is None
    (folder.path / "state").write_text("x")
    folder.save_checkpoint(folder.path / "state")
    folder.report({"value": item.value}, 7)
    return double_one(item, config, folder)


def test_what_an_item_loads_does_not_count_against_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_library.py").write_text("import time\ntime.sleep(0.4)\nfactor = 3.0\n")
    monkeypatch.syspath_prepend(tmp_path)

    def multiply(item: Number, config: DoubleConfig, folder: ItemFolder) -> Number:
        from slow_library import factor  # type: ignore[import-not-found]

        return Number(item_id=item.item_id, value=item.value * factor)

    limits = Limits(seconds=0.2)
    work = ItemWork(stage_work(tmp_path, limits=limits), multiply, Number, DoubleConfig(), {})
    assert make_item(work, work.key(ONE), ONE).outcome == Number(item_id="one", value=3.0)
