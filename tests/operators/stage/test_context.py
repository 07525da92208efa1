"""The world of a running stage: what it may ask of it, and what is left when it closes."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from operators.compute.serial import SerialExecutor
from operators.stage.context import LiveContext, open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from operators.store.storage import DRAFTS
from tasks.core.errors import ConfigError, NotWritableError
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    ListConfig,
    NumberList,
    group_numbers,
    list_numbers,
    train_number,
)


@pytest.fixture
def local(tmp_path: Path) -> LocalRun:
    return LocalRun(tmp_path / "store")


def listing(local: LocalRun, tmp_path: Path) -> LiveContext:
    plan = Plan.of(local.request(list_numbers, config=ListConfig()))
    return open_context(plan.on("cpu"), SerialExecutor(), FolderTracker(tmp_path / "run"))


def test_what_enters_no_key_can_not_be_asked_for(local: LocalRun, tmp_path: Path) -> None:
    ctx = listing(local, tmp_path)
    with pytest.raises(ConfigError, match=r"sample\.list: declare it with draws=True"):
        _ = ctx.seed
    with pytest.raises(ConfigError, match="declare it with fans_out=True"):
        _ = ctx.num_groups
    numbers = local.put(NumberList(numbers=()))
    assert local.context(train_number, config=DoubleConfig()).seed == 0
    assert local.context(group_numbers, numbers, config=DoubleConfig()).num_groups >= 1


def test_closing_leaves_no_file_that_was_not_written(local: LocalRun, tmp_path: Path) -> None:
    ctx = listing(local, tmp_path)
    (ctx.scratch / "a").write_text("x")
    ctx.store.add(ctx.scratch / "a", "a")
    ctx.close("KILLED")
    assert not ctx.scratch.exists()
    assert list((local.folder / DRAFTS).iterdir()) == []
    assert (tmp_path / "run/events.jsonl").read_text() == '{"status": "KILLED"}\n'


def test_a_manifest_says_who_called_and_nothing_of_the_installation(
    local: LocalRun, tmp_path: Path
) -> None:
    ctx = listing(local, tmp_path)
    ref = ctx.store.write(NumberList(numbers=()))
    manifest = ctx.store.storage.read(ref.uri)
    assert manifest is not None
    assert manifest.key == ctx.call.key
    assert manifest.provenance["run"]["run_id"] == ctx.run_id
    assert "store_uri" not in manifest.provenance["run"]
    assert manifest.provenance["items"] == {"made": 0, "reused": 0, "skipped": 0}
    assert manifest.provenance["started"] <= manifest.provenance["finished"]


def test_pictures_are_kept_with_the_result_and_shown_with_the_run(
    local: LocalRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = listing(local, tmp_path)
    red = np.full((8, 12, 3), (255, 0, 0), np.uint8)
    file = ctx.add_picture("seen/red.png", red)
    ctx.store.write(NumberList(numbers=()))
    for path in (tmp_path / "run/seen/red.png", ctx.store.fetch(file)):
        with Image.open(path) as picture:
            assert (picture.size, picture.getpixel((0, 0))) == ((12, 8), (255, 0, 0))

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWritableError, match="no space left"):
        ctx.add_picture("b.png", red)
