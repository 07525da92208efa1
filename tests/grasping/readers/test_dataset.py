"""The PyTorch data set, and the order in which it is read."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError, DataError
from tasks.grasping.data import shards as shards_module
from tasks.grasping.data.png import decode_rgb
from tasks.grasping.data.rows import read_shard
from tasks.grasping.readers import dataset as dataset_module
from tasks.grasping.readers.dataset import BlockShuffle, GraspSamples, SampleReader
from tests.support.grasping.grasp_rows import scene_rows, write_shards

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shards of 12 attempts with 2 steps, in row groups of one scene (4 attempts)."""
    monkeypatch.setattr(shards_module, "_ROWS_PER_GROUP", 4)
    write_shards(tmp_path / "data")
    return tmp_path / "data"


def steps_of(folder: Path) -> list[tuple[dict, dict]]:
    rows = [row for path in sorted(folder.iterdir()) for row in read_shard(path).to_pylist()]
    return [(row, step) for row in rows for step in row["steps"]]


def test_samples_are_the_steps_in_order(folder: Path) -> None:
    import torch

    samples = GraspSamples(folder)
    expected = steps_of(folder)
    assert isinstance(samples, torch.utils.data.Dataset)
    assert len(samples) == len(expected) == 48
    for index, (row, step) in enumerate(expected):
        sample = samples[index]
        assert sample["now"].shape == (3, 32, 32)
        now = sample["now"].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(now, decode_rgb(step["image"]))
        before = sample["before"].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(before, decode_rgb(row["image_before"]))
        np.testing.assert_allclose(sample["command"].numpy(), step["command"], rtol=1e-6)
        assert sample.keys() == {"before", "now", "command", "success"}
        assert sample["success"].item() == row["is_success"]
    assert torch.equal(samples[-1]["now"], samples[47]["now"])
    with pytest.raises(IndexError, match="sample 48 of 48"):
        samples[48]


def test_attempts_may_have_different_numbers_of_steps(tmp_path: Path) -> None:
    tables = [scene_rows(0, num_steps=3), scene_rows(1, num_steps=1)]
    shards_module.write_rows(tmp_path / "a.parquet", tables)
    samples = SampleReader(tmp_path)
    assert len(samples) == 4 * 3 + 4
    steps = steps_of(tmp_path)
    for index, (_, step) in enumerate(steps):
        np.testing.assert_array_equal(samples[index]["now"], decode_rgb(step["image"]))
    assert samples.values("scene_id").tolist() == [row["scene_id"] for row, _ in steps]
    assert samples.values("is_success").tolist() == [row["is_success"] for row, _ in steps]


def test_loader_with_workers_gives_every_sample_once(folder: Path) -> None:
    import torch.utils.data

    samples = GraspSamples(folder, also=("masks", "about", "objects"))
    samples[0]  # what the parent read is not the workers'
    order = BlockShuffle(samples, seed=3, mixed_blocks=2)
    loader = torch.utils.data.DataLoader(samples, batch_size=5, sampler=order, num_workers=2)
    batches = list(loader)
    assert [len(batch["command"]) for batch in batches] == [5] * 9 + [3]
    assert batches[0]["now_instance_mask"].shape == (5, 32, 32)
    found = {
        (attempt_id, *command)
        for batch in batches
        for attempt_id, command in zip(batch["attempt_id"], batch["command"].tolist(), strict=True)
    }
    expected = {
        (row["attempt_id"], *np.float32(step["command"]).tolist()) for row, step in steps_of(folder)
    }
    assert found == expected
    assert batches[0]["is_uniform"].dtype == torch.bool
    assert batches[0]["object_positions_m"].shape == (5, 20, 3)
    assert np.shape(batches[0]["object_ids"]) == (20, 5)


def test_only_a_few_row_groups_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, int]] = []
    original = dataset_module._read_groups

    def counted(path: Path, columns: list[str], only: int | None = None) -> list:
        if only is not None:
            read.append((path.name, only))
        return original(path, columns, only)

    monkeypatch.setattr(dataset_module, "_read_groups", counted)
    samples = SampleReader(folder, kept_blocks=2)
    for index in BlockShuffle(samples, seed=0, mixed_blocks=2):
        samples[index]
    assert len(read) == len(set(read)) == 6
    assert len(samples._kept) == 2


def test_order_is_another_in_each_pass_and_the_same_for_one_seed(folder: Path) -> None:
    samples = SampleReader(folder)
    one, other = (BlockShuffle(samples, seed=5, mixed_blocks=3) for _ in range(2))
    passes = [list(one), list(one), list(one)]
    assert [sorted(each) for each in passes] == [list(range(48))] * 3
    assert passes[0] != passes[1] != passes[2]
    other.epoch = 2
    assert list(other) == passes[2]
    chosen = np.flatnonzero(samples.values("is_success"))
    some = BlockShuffle(samples, seed=5, indices=chosen)
    assert len(some) == len(chosen)
    assert sorted(some) == chosen.tolist()


def test_samples_travel_to_spawned_workers(folder: Path) -> None:
    import torch

    samples = GraspSamples(folder)
    samples[7]
    copy = pickle.loads(pickle.dumps(samples))  # noqa: S301
    assert type(copy) is GraspSamples
    assert not copy._kept
    assert torch.equal(copy[7]["before"], samples[7]["before"])


def test_torch_is_loaded_when_it_is_needed() -> None:
    code = (
        "import sys, tasks.grasping.readers.dataset as d; assert 'torch' not in sys.modules\n"
        "d.GraspSamples; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = dataset_module.Nothing


def test_a_shard_that_is_given_twice_is_refused(folder: Path) -> None:
    one, other = sorted(folder.iterdir())
    copy = folder / "copy.parquet"
    copy.write_bytes(other.read_bytes())
    for source, twice in (([one, other, one], one), (folder, copy)):
        with pytest.raises(DataError, match=rf"stands twice, in .*{twice.name}.*give each shard"):
            SampleReader(source)


def test_wrong_files_are_named(folder: Path, tmp_path: Path) -> None:
    path = sorted(folder.iterdir())[0]
    shards_module.write_rows(tmp_path / "empty.parquet", [])
    with pytest.raises(DataError, match="without any"):
        SampleReader([tmp_path / "empty.parquet"])
    pq.write_table(scene_rows(0).replace_schema_metadata(None), tmp_path / "old.parquet")
    with pytest.raises(ArtifactError, match=r"old.parquet: expected rows of grasping.attempts/2"):
        SampleReader([tmp_path / "old.parquet"])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ArtifactError, match="cut short"):
        SampleReader(folder)
