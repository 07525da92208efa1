from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError, DataError
from tasks.graspgan.samples.folders import Setting, sets_below
from tests.support.graspgan import user_folders
from tests.support.graspgan.user_folders import Row, change, write_set

REAL: Setting = "collect.real"


def test_shards_are_known_by_what_their_rows_say(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_set(tmp_path, split="held_out", num_scenes=3)
    (tmp_path / "train" / "exports").mkdir()
    (tmp_path / "train" / "exports" / "other.parquet").write_bytes(b"of another format")
    found = {each.split: each for each in sets_below(str(tmp_path), REAL)}
    assert {split: each.num_attempts for split, each in found.items()} == {
        "train": 4,
        "held_out": 6,
    }
    assert found["train"].num_successes == 2
    assert found["train"].picture_px == 48


def test_too_few_scenes_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, num_scenes=1)
    said = r"surrogate, train: expected attempts in 2 scenes or more, got 2 in 1: collect more"
    with pytest.raises(DataError, match=said):
        sets_below(str(tmp_path), REAL)


def test_rows_of_another_schema_are_refused(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    table = pq.read_table(path, partitioning=None)
    other = table.replace_schema_metadata({b"orrery.schema_id": b"grasping.attempts/1"})
    pq.write_table(other, path)
    said = r"shard-00000.parquet: expected rows of grasping.attempts/2, got grasping.attempts/1 .*"
    with pytest.raises(ArtifactError, match=said + r"or collect again"):
        sets_below(str(tmp_path), REAL)


def test_a_shard_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ArtifactError, match=r"shard-00000.parquet is cut short .*collect again"):
        sets_below(str(tmp_path), REAL)


def test_simulation_without_g_buffers_is_refused_before_anything_is_painted(tmp_path: Path) -> None:
    write_set(tmp_path, world="bullet")
    with pytest.raises(DataError, match=r"shard-00000.*expected depth .*with camera\.g_buffers"):
        sets_below(str(tmp_path), "collect.simulation")


def test_shards_of_two_sizes_are_both_named(tmp_path: Path) -> None:
    first = write_set(tmp_path)
    other = write_set(tmp_path / "more", num_scenes=3)
    change(other, user_folders.all_small)
    with pytest.raises(DataError, match=rf"one size, got 24 px in {other} and 48 px in {first}"):
        sets_below(str(tmp_path), REAL)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (user_folders.strange_mask, r"expected a class_mask of 0 background.*number the classes"),
        (user_folders.no_mask, r"expected class_mask with each picture, found none"),
    ],
)
def test_masks_that_do_not_fit_are_found_at_once(
    spoil: Callable[[Row], Row], said: str, tmp_path: Path
) -> None:
    change(write_set(tmp_path), spoil)
    with pytest.raises(DataError, match=rf"shard-00000.parquet, attempt surrogate/.*{said}"):
        sets_below(str(tmp_path), REAL)
