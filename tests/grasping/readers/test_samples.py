"""Rows as samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import DataError
from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.rows import read_shard
from tasks.grasping.readers.samples import decode_samples, find_shards, sample_columns
from tests.support.grasping.grasp_rows import write_shards


@pytest.mark.parametrize("with_masks", [False, True])
@pytest.mark.parametrize("whole_steps", [False, True])
def test_every_decision_is_a_sample(tmp_path: Path, with_masks: bool, whole_steps: bool) -> None:
    (path,) = write_shards(tmp_path, num_shards=1, num_steps=2)
    if whole_steps:
        columns = sample_columns(with_masks=with_masks, whole_steps=True)
        samples = decode_samples(pq.read_table(path, columns=columns))
    else:
        samples = decode_samples(read_shard(path, sample_columns(with_masks=with_masks)))
    rows = read_shard(path).to_pylist()
    steps = [(row, step) for row in rows for step in row["steps"]]
    assert samples["now"].shape == (len(steps), 32, 32, 3) == (24, 32, 32, 3)
    assert ("now_instance_mask" in samples) is with_masks
    for index, (row, step) in enumerate(steps):
        np.testing.assert_array_equal(samples["before"][index], decode_rgb(row["image_before"]))
        np.testing.assert_array_equal(samples["now"][index], decode_rgb(step["image"]))
        np.testing.assert_allclose(samples["motion"][index], step["motion"], rtol=1e-6)
        assert samples["success"][index] == row["is_success"]
        if with_masks:
            expected = decode_ids(row["class_mask_before"])
            np.testing.assert_array_equal(samples["before_class_mask"][index], expected)
            expected = decode_ids(step["instance_mask"])
            np.testing.assert_array_equal(samples["now_instance_mask"][index], expected)


def test_only_what_samples_need_is_read(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, num_shards=1)
    table = read_shard(path, sample_columns())
    assert set(table.column_names) == {"image_before", "steps", "is_success"}
    fields = table.schema.field("steps").type.value_type
    assert {fields.field(i).name for i in range(fields.num_fields)} == {"image", "motion"}


def test_folder_without_shards_is_named(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    (tmp_path / ".shard-00009.parquet").touch()
    assert find_shards(tmp_path) == shards
    with pytest.raises(DataError, match=r"found none in .*/empty"):
        find_shards(tmp_path / "empty")
