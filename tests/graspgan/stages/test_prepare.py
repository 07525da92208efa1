from __future__ import annotations

from pathlib import Path

import numpy as np

from operators.stage.local import LocalRun
from tasks.core.digests import file_digest
from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.graspgan.config import PrepareConfig
from tasks.graspgan.manifests import CropFile, CropTask, Prepared
from tasks.graspgan.stages.prepare import cut_crops, prepare_crops
from tests.support.graspgan.chain import Chain
from tests.support.graspgan.user_folders import change, no_picture, write_set


def test_all_looks_are_painted_where_they_are_trained_on(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    train = found.of("bullet", "train")
    assert train.num_looks == {"plain": 1, "random": 1, "structured": 1}
    assert found.of("bullet", "train", target="bullet-structured").num_looks == {"cut": 1}
    assert found.of("bullet-structured", "held_out").num_looks == {"plain": 1}
    assert len(found.stations["bullet"]) == 1
    assert 1 <= len(found.stations["bullet-structured"]) <= 3


def test_it_is_kept_like_which_station_a_look_is_painted(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    for file in found.of("bullet", "train", target="bullet-structured").files:
        with np.load(chain.run.fetch(file.arrays)) as arrays:
            painted = {*arrays["cut_0_station"].tolist()}
    assert painted <= {*found.stations["bullet-structured"]}


def test_pictures_for_runs_without_labels_hold_no_outcome(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    for labels in (True, False):
        crops = found.of("bullet-structured", "train", has_labels=labels)
        for file in crops.files:
            with np.load(chain.run.fetch(file.arrays)) as arrays:
                names = {*arrays.files}
        assert ("success" in names) == labels
        assert ("classes" in names) == labels
        assert "plain_0" in names


def task_of(path: Path) -> CropTask:
    return CropTask(
        item_id=path.parts[-3],
        shard=FileRef(uri=path.as_uri(), sha256=file_digest(path), num_bytes=path.stat().st_size),
        looks={"plain": 1},
        has_labels=True,
        side_px=16,
        pictures="before",
        seed=0,
    )


def test_a_broken_attempt_is_named_and_costs_no_other_shard(chain: Chain, tmp_path: Path) -> None:
    good, broken = (write_set(tmp_path, split=split) for split in ("train", "validation"))
    change(broken, no_picture, only=2)
    ctx = LocalRun(tmp_path / "store").context(
        prepare_crops, chain.attempts, config=PrepareConfig()
    )
    made, skipped = ctx.items.map(cut_crops, [task_of(good), task_of(broken)], None)
    assert isinstance(made, CropFile)
    assert made.num == 4
    assert isinstance(skipped, Skipped)
    assert "expected a PNG picture, got 10 bytes that are none" in skipped.reason
    assert ", attempt surrogate/" in skipped.reason
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("crops.npz")}
    again, _ = ctx.items.map(cut_crops, [task_of(good), task_of(broken)], None)
    assert again == made
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
