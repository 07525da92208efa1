"""LeRobotDatasets: their files, and that lerobot itself reads them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.environments import environment, run_there
from tasks.core.errors import NotWritableError
from tasks.grasping.data.png import decode_ids, decode_rgb
from tasks.grasping.data.rows import read_shard
from tasks.grasping.exports import lerobot
from tasks.grasping.exports.lerobot import export_lerobot
from tasks.grasping.exports.lerobot_features import MASKS
from tests.support.grasping.grasp_rows import write_shards

OPENER = Path(__file__).resolve().parents[2] / "support/grasping/open_lerobot.py"


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    return write_shards(tmp_path / "shards", num_steps=3)


def read_all(folder: Path) -> list[dict]:
    return [
        row for path in sorted(folder.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def test_episodes_name_the_file_and_frames_that_are_theirs(
    tmp_path: Path, shards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lerobot, "_BUFFER_BYTES", 50_000)
    export_lerobot(shards, tmp_path / "out", file_mb=0)  # a file for each buffer
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    found = read_all(tmp_path / "out/meta/episodes")
    assert [each["attempt_id"] for each in found] == [row["attempt_id"] for row in rows]
    assert len({each["data/file_index"] for each in found}) > 1
    for episode in found:
        chunk, file = episode["data/chunk_index"], episode["data/file_index"]
        path = tmp_path / f"out/data/chunk-{chunk:03d}/file-{file:03d}.parquet"
        indices = pq.read_table(path, columns=["index", "episode_index"]).to_pylist()
        held = [
            each["index"] for each in indices if each["episode_index"] == episode["episode_index"]
        ]
        assert held == list(range(episode["dataset_from_index"], episode["dataset_to_index"]))
    frames = read_all(tmp_path / "out/data")
    assert [frame["index"] for frame in frames] == list(range(3 * len(rows)))
    assert frames[4]["observation.images.arm"]["bytes"] == rows[1]["steps"][1]["image"]


def test_an_export_that_fails_leaves_no_file_open(
    tmp_path: Path, shards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lerobot, "_BUFFER_BYTES", 50_000)
    tables = iter([lerobot.frame_table])
    full = OSError(errno.ENOSPC, "no space left on device")

    def fill(frames: dict) -> pa.Table:
        if (made := next(tables, None)) is None:
            raise full
        return made(frames)

    monkeypatch.setattr(lerobot, "frame_table", fill)
    with pytest.raises(NotWritableError, match="no space left"):
        export_lerobot(shards, tmp_path / "out")
    opened = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
    assert not [each for each in opened if each.startswith(str(tmp_path))]


def test_description_counts_what_is_there(tmp_path: Path, shards: list[Path]) -> None:
    exported = export_lerobot(shards, tmp_path / "out")
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"]) == (24, 72)
    assert (exported.num_attempts, exported.num_frames) == (24, 72)
    assert info["codebase_version"] == "v3.0"
    assert info["splits"] == {"train": "0:24"}
    assert info["features"]["observation.images.arm"]["shape"] == [32, 32, 3]
    assert info["features"]["next.reward"]["shape"] == [1]
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    assert stats.keys() == info["features"].keys() - {*MASKS}


def test_masks_are_there_unless_they_are_left_out(tmp_path: Path, shards: list[Path]) -> None:
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    export_lerobot(shards, tmp_path / "out")
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    assert info["features"]["masks.arm_classes"]["shape"] == [32 * 32]
    frame = read_all(tmp_path / "out/data")[5]
    for name, png in (
        ("before_classes", rows[1]["class_mask_before"]),
        ("before_instances", rows[1]["instance_mask_before"]),
        ("arm_classes", rows[1]["steps"][2]["class_mask"]),
        ("arm_instances", rows[1]["steps"][2]["instance_mask"]),
    ):
        assert frame[f"masks.{name}"] == decode_ids(png).ravel().tolist()
    export_lerobot(shards, tmp_path / "out", with_masks=False)
    assert not [name for name in read_all(tmp_path / "out/data")[5] if "mask" in name]


def test_cameras_objects_and_outcome_are_those_of_the_row(
    tmp_path: Path, shards: list[Path]
) -> None:
    export_lerobot(shards, tmp_path / "out")
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    for frame, row in zip(read_all(tmp_path / "out/data")[::3], rows, strict=True):
        for name, column in (
            *((name, name) for name in ("calibrated_matrix", "calibrated_from_base", "distortion")),
            *(("true_matrix", "camera_matrix"), ("true_from_base", "camera_from_base")),
        ):
            np.testing.assert_allclose(frame[f"camera.{name}"], row[column], rtol=1e-6)
    for episode, row in zip(read_all(tmp_path / "out/meta/episodes"), rows, strict=True):
        for name in (
            *("split", "finger_gap_m", "is_stopped_early", "is_uniform", "object_ids"),
            *("object_positions_m", "object_quaternions_xyzw", "object_centres_m"),
        ):
            assert episode[name] == row[name]
        assert episode["lifted_object"] == (row["lifted_object"] or "")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lerobot_gives_back_every_frame(tmp_path: Path, shards: list[Path]) -> None:
    export_lerobot(shards, tmp_path / "out")
    python = environment("lerobot")
    found = run_there(
        python, OPENER, str(tmp_path / "out"), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hf")
    )
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    assert found["versions"][0] == "0.4.4"
    assert (found["num_episodes"], found["num_frames"]) == (24, 72)
    assert found["attempt_ids"] == [row["attempt_id"] for row in rows]
    expected = [(row, step) for row in rows for step in row["steps"]]
    for frame, (row, step) in zip(found["frames"], expected, strict=True):
        before, arm = decode_rgb(row["image_before"]), decode_rgb(step["image"])
        assert frame["observation.images.before"] == digest(before)
        assert frame["observation.images.arm"] == digest(arm)
        np.testing.assert_allclose(frame["observation.state"], step["pose"], rtol=1e-6)
        np.testing.assert_allclose(frame["action"][:4], step["target"], rtol=1e-6)
        np.testing.assert_allclose(frame["command"], step["command"], rtol=1e-6)
        np.testing.assert_allclose(frame["motion"], step["motion"], rtol=1e-6)
        camera = frame["camera.calibrated_from_base"]
        np.testing.assert_allclose(camera, row["calibrated_from_base"], rtol=1e-6)
        mask = decode_ids(step["instance_mask"])
        np.testing.assert_array_equal(np.reshape(frame["masks.arm_instances"], (32, 32)), mask)
        is_last = step is row["steps"][-1]
        assert frame["action"][4] == frame["next.done"] == is_last
        assert frame["next.success"] == frame["next.reward"] == (is_last and row["is_success"])
        assert frame["task"] == "Pick up an object from the bin."
    assert found["batches"][0] == [5, 3, 32, 32]
    assert found["policy_features"]["action"] == ["ACTION", [5]]
    assert found["policy_features"]["observation.images.arm"] == ["VISUAL", [3, 32, 32]]
    assert not [name for name in found["policy_features"] if "mask" in name or "camera" in name]
    ahead = [[*step["target"], 0.0] for step in rows[1]["steps"][:2]]
    np.testing.assert_allclose(found["actions_ahead"], ahead, rtol=1e-6)
    assert found["parts"] == {"one": 6, "two": 3}
    assert np.shape(found["stats"]["observation.images.arm"]["mean"]) == (3, 1, 1)


def digest(picture: np.ndarray) -> str:
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()
