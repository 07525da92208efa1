"""WebDataset tars, opened by the webdataset library."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.rows import read_shard
from tasks.grasping.data.shards import write_rows
from tasks.grasping.exports.webdataset import export_webdataset, sample_key
from tests.support.grasping.grasp_rows import scene_rows, write_shards


def opened(folder: Path) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library opens files that it leaves to the collector
        import webdataset

        urls = [str(path) for path in sorted(folder.glob("*.tar"))]
        return list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8"))


def test_library_gives_back_every_row(tmp_path: Path) -> None:
    shards = write_shards(tmp_path / "shards", num_steps=3)
    exported = export_webdataset(shards, tmp_path / "out", tar_bytes=100_000)
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    samples = opened(tmp_path / "out")
    assert exported.num_files == len(list((tmp_path / "out").glob("*.tar"))) > 1
    assert exported.num_attempts == len(samples) == len(rows)
    assert exported.num_frames == 3 * len(rows)
    for sample, row in zip(samples, rows, strict=True):
        about = sample["json"]
        assert about["attempt_id"] == row["attempt_id"]
        assert sample["__key__"] == sample_key(row["attempt_id"])
        assert sample["cls"] == int(row["is_success"])
        np.testing.assert_array_equal(sample["before.png"], decode_rgb(row["image_before"]))
        for index, step in enumerate(row["steps"]):
            np.testing.assert_array_equal(sample[f"{index}.image.png"], decode_rgb(step["image"]))
            grey = sample[f"{index}.class.png"]
            np.testing.assert_array_equal(grey[..., 0], decode_ids(step["class_mask"]))
            kept = {name: about["steps"][index][name] for name in ("pose", "target", "command")}
            assert kept == {name: step[name] for name in kept}
            assert about["steps"][index]["motion"] == step["motion"]
        assert about["true_matrix"] == row["camera_matrix"]
        for name in ("calibrated_from_base", "distortion", "object_positions_m", "finger_gap_m"):
            assert about[name] == row[name]
        assert about["dynamics"]["friction"] == [0.8, 0.8, 0.8]
        assert about["look"] is None


def test_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    shards = write_shards(tmp_path / "shards")
    digests = set()
    for name in ("a", "b"):
        export_webdataset(shards, tmp_path / name)
        (tar,) = (tmp_path / name).glob("*.tar")
        digests.add(hashlib.sha256(tar.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_attempt_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """Keys would stand twice, also in two tar files."""
    write_rows(tmp_path / "a.parquet", [scene_rows(0), scene_rows(0)])
    with pytest.raises(DataError, match=r"bullet/scene-000000-\w{8}/0 stands twice"):
        export_webdataset([tmp_path / "a.parquet"], tmp_path / "out", tar_bytes=1)
    assert not (tmp_path / "out").exists()
