"""RLDS episodes: their files, and that TensorFlow Datasets reads them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.environments import environment, run_there
from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.rows import read_shard
from tasks.grasping.exports.episodes import OBJECTS
from tasks.grasping.exports.rlds import export_rlds
from tests.support.grasping.grasp_rows import write_shards

OPENER = Path(__file__).resolve().parents[2] / "support/grasping/open_rlds.py"


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two training shards and one of another split."""
    train = write_shards(tmp_path / "train", num_steps=3)
    return train + write_shards(tmp_path / "held_out", num_shards=1, split="held_out")


def digest(picture: np.ndarray) -> str:
    picture = np.atleast_3d(picture)
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def test_files_are_named_and_counted_as_tfds_wants(tmp_path: Path, shards: list[Path]) -> None:
    exported = export_rlds(shards, tmp_path / "out", file_bytes=50_000)
    folder = tmp_path / "out/grasp_attempts/2.0.0"
    info = json.loads((folder / "dataset_info.json").read_text())
    assert exported.num_attempts == 36
    assert [split["name"] for split in info["splits"]] == ["train", "held_out"]
    for split, num_rows in zip(info["splits"], (24, 12), strict=True):
        lengths = [int(length) for length in split["shardLengths"]]
        assert sum(lengths) == num_rows
        assert len(lengths) > 1
        files = [
            folder / f"grasp_attempts-{split['name']}.tfrecord-{i:05d}-of-{len(lengths):05d}"
            for i in range(len(lengths))
        ]
        assert sum(file.stat().st_size for file in files) == int(split["numBytes"])
    assert exported.num_files == len(list(folder.iterdir()))


def test_bytes_depend_on_the_rows_alone(tmp_path: Path, shards: list[Path]) -> None:
    contents = []
    for name in ("a", "b"):
        export_rlds(shards, tmp_path / name)
        files = sorted((tmp_path / name).rglob("*.tfrecord-*"))
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


def check_episode(episode: dict[str, Any], row: dict[str, Any]) -> None:
    steps = row["steps"]
    assert episode["is_success"] == row["is_success"]
    assert episode["object_ids"] == row["object_ids"]
    assert episode["image_before"] == digest(decode_rgb(row["image_before"]))
    assert episode["images"] == [digest(decode_rgb(step["image"])) for step in steps]
    masks = [digest(decode_ids(step["class_mask"])) for step in steps]
    assert episode["class_masks"] == masks
    np.testing.assert_allclose(episode["states"], [s["pose"] for s in steps], rtol=1e-6)
    np.testing.assert_allclose(episode["motions"], [s["motion"] for s in steps], rtol=1e-6)
    actions = [[*step["target"], float(step is steps[-1])] for step in steps]
    np.testing.assert_allclose(episode["actions"], actions, rtol=1e-6)
    np.testing.assert_allclose(episode["commands"], [s["command"] for s in steps], rtol=1e-6)
    for name, column in (
        *((name, name) for name in ("calibrated_matrix", "calibrated_from_base", "distortion")),
        *(("true_matrix", "camera_matrix"), ("true_from_base", "camera_from_base")),
    ):
        np.testing.assert_allclose(np.ravel(episode[name]), row[column], rtol=1e-6)
    for name in (*OBJECTS, "finger_gap_m"):
        np.testing.assert_allclose(episode[name], row[name], rtol=1e-6)
    assert episode["split"] == row["split"]
    before = digest(decode_ids(row["instance_mask_before"]))
    assert episode["instance_mask_before"] == before
    assert episode["rewards"] == [0.0] * (len(steps) - 1) + [float(row["is_success"])]
    assert episode["is_first"] == [True] + [False] * (len(steps) - 1)
    assert episode["is_last"] == [False] * (len(steps) - 1) + [True]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tensorflow_datasets_gives_back_every_row(tmp_path: Path, shards: list[Path]) -> None:
    export_rlds(shards, tmp_path / "out", file_bytes=50_000)
    python = environment("rlds")
    found = run_there(python, OPENER, str(tmp_path / "out"), TF_CPP_MIN_LOG_LEVEL="3")
    assert found["versions"] == ["2.21.0", "4.9.10"]
    assert found["num_examples"] == {"train": 24, "held_out": 12}
    assert found["splits_by_name"] == ["held_out", "train"]
    rows = {row["attempt_id"]: row for path in shards[:2] for row in read_shard(path).to_pylist()}
    opened = {each["attempt_id"]: each for each in found["episodes"]["train"]}
    assert opened.keys() == rows.keys()
    for attempt_id, episode in opened.items():
        check_episode(episode, rows[attempt_id])
