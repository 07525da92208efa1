"""Samples of a data set through Ray Data, as the README reads them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from tasks.grasping.data.rows import read_shard
from tasks.grasping.readers.samples import decode_samples, sample_columns
from tests.support.grasping.grasp_rows import write_shards


@pytest.mark.integration
def test_ray_gives_every_sample_once(tmp_path: Path, ray_cluster: str) -> None:
    import ray.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what Ray Data's settings warn of
        ray.data.DataContext.get_current().enable_progress_bars = False
    shards = write_shards(tmp_path, num_steps=2)
    also = ("about", "cameras", "masks")
    columns = sample_columns(also, whole_steps=True)
    dataset = (
        ray.data.read_parquet([str(path) for path in shards], partitioning=None)
        .select_columns(columns)
        .map_batches(
            decode_samples,
            fn_kwargs={"also": also},
            batch_format="pyarrow",
            batch_size=5,
            zero_copy_batch=True,
        )
    )
    found = {}
    for batch in dataset.iter_batches(batch_size=7):
        assert batch["before"].shape[1:] == (32, 32, 3)
        assert batch["now_instance_mask"].shape[1:] == (32, 32)
        for index, command in enumerate(batch["command"]):
            found[tuple(command.tolist())] = {name: batch[name][index] for name in batch}
    rows = [decode_samples(read_shard(path, columns), also) for path in shards]
    expected = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}
    assert len(found) == len(expected["command"]) == 48
    for index, command in enumerate(expected["command"]):
        for name, values in expected.items():
            np.testing.assert_array_equal(found[tuple(command.tolist())][name], values[index])
