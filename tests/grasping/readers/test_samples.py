"""Rows as samples, and what training makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import DataError
from tasks.grasping.algorithms.appearance import random_look
from tasks.grasping.data.png import decode_depth, decode_ids, decode_rgb
from tasks.grasping.data.projection import project
from tasks.grasping.data.rows import SCHEMA, attempt_of, before_of, calibration_of, read_shard
from tasks.grasping.data.shards import write_rows
from tasks.grasping.looks.repaint import repaint
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import (
    EXTRAS,
    Extra,
    camera_in,
    decode_sample,
    decode_samples,
    find_shards,
    rendering_in,
    sample_columns,
)
from tests.support.grasping.grasp_rows import write_shards
from tests.support.grasping.toy_rows import ORIGIN, toy_rows

ARRAYS = {"before", "now", "command", "success"}


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of a toy world, of 4 attempts with 2 steps, with G-buffers."""
    path = tmp_path_factory.mktemp("toys") / "shard-00000.parquet"
    origin = replace(ORIGIN, has_g_buffers=True)
    scenes = [f"train-7-{index:07d}" for index in range(3)]
    write_rows(path, [toy_rows(scene, num_steps=2, origin=origin) for scene in scenes])
    return path


@pytest.mark.parametrize("also", [(), ("masks",)])
@pytest.mark.parametrize("whole_steps", [False, True])
def test_every_decision_is_a_sample(
    tmp_path: Path, also: tuple[Extra, ...], whole_steps: bool
) -> None:
    (path,) = write_shards(tmp_path, num_shards=1, num_steps=2)
    columns = sample_columns(also, whole_steps=whole_steps)
    read = pq.read_table(path, columns=columns) if whole_steps else read_shard(path, columns)
    samples = decode_samples(read, also)
    rows = read_shard(path).to_pylist()
    steps = [(row, step) for row in rows for step in row["steps"]]
    assert samples["now"].shape == (len(steps), 32, 32, 3) == (24, 32, 32, 3)
    assert ("now_instance_mask" in samples) is ("masks" in also)
    for index, (row, step) in enumerate(steps):
        np.testing.assert_array_equal(samples["before"][index], decode_rgb(row["image_before"]))
        np.testing.assert_array_equal(samples["now"][index], decode_rgb(step["image"]))
        np.testing.assert_allclose(samples["command"][index], step["command"], rtol=1e-6)
        assert samples["success"][index] == row["is_success"]
        if also:
            expected = decode_ids(row["class_mask_before"])
            np.testing.assert_array_equal(samples["before_class_mask"][index], expected)
            expected = decode_ids(step["instance_mask"])
            np.testing.assert_array_equal(samples["now_instance_mask"][index], expected)


def test_only_what_samples_need_is_read(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, num_shards=1)
    table = read_shard(path, sample_columns())
    assert set(table.column_names) == {"image_before", "steps", "is_success"}
    fields = table.schema.field("steps").type.value_type
    assert {fields.field(i).name for i in range(fields.num_fields)} == {"image", "command"}


def test_all_that_is_asked_for_is_as_in_the_row(shard: Path) -> None:
    samples = decode_samples(read_shard(shard, sample_columns(EXTRAS)), EXTRAS)
    rows = read_shard(shard).to_pylist()
    steps = [(row, index) for row in rows for index in range(2)]
    for number, (row, index) in enumerate(steps):
        step, found = row["steps"][index], {name: each[number] for name, each in samples.items()}
        for name in ("attempt_id", "scene_id", "split", "is_uniform"):
            assert found[name] == row[name]
        num_objects = len(row["object_ids"])
        assert found["object_ids"].tolist() == row["object_ids"] + [""] * (20 - num_objects)
        for name in ("pose", "target", "reached"):
            assert found[name].tolist() == step[name]
        assert found["grasp"].tolist() == row["steps"][-1]["target"]
        assert found["motion"].tolist() == np.float32(step["motion"]).tolist()
        for name in ("object_positions_m", "object_quaternions_xyzw", "object_centres_m"):
            assert found[name][:num_objects].tolist() == row[name]
            assert np.isnan(found[name][num_objects:]).all()
        np.testing.assert_array_equal(found["now_depth"], decode_depth(step["depth"]))
        np.testing.assert_array_equal(found["before_parts"], decode_ids(row["parts_before"]))
        np.testing.assert_array_equal(found["now_shading"], decode_ids(step["shading"]))
    assert samples["true_matrix"].shape == (24, 3, 3)
    assert samples["calibrated_from_base"].shape == (24, 4, 4)


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_comes_alone(shard: Path, extra: Extra) -> None:
    table = read_shard(shard, sample_columns((extra,))).slice(0, 1)
    alone = decode_samples(table, (extra,))
    everything = decode_samples(read_shard(shard, sample_columns(EXTRAS)).slice(0, 1), EXTRAS)
    assert alone.keys() > ARRAYS
    for name in alone:
        np.testing.assert_array_equal(alone[name], everything[name])


def test_scenes_that_lost_an_object_stand_beside_whole_ones() -> None:
    whole, fewer = (toy_rows(f"train-7-000000{index}").to_pylist() for index in range(2))
    names = [name for name in sample_columns(("objects",)) if name.startswith("object_")]
    fewer = [row | {name: row[name][:-1] for name in names} for row in fewer]
    samples = decode_samples(pa.Table.from_pylist(whole + fewer, SCHEMA), ("objects",))
    assert {name: len(samples[name]) for name in names} == dict.fromkeys(names, 8)
    num_objects = np.isfinite(samples["object_centres_m"]).all(axis=2).sum(axis=1)
    assert num_objects[0] == num_objects[-1] + 1 == len(whole[0]["object_ids"])


def test_what_there_is_not_is_refused_by_name(shard: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"among \('about', .* got \['depht'\]"):
        SampleReader(shard.parent, also=("masks", "depht"))  # type: ignore[arg-type]
    write_rows(tmp_path / "plain.parquet", [toy_rows()])
    with pytest.raises(DataError, match=r"found none: collect with camera\.g_buffers"):
        SampleReader(tmp_path, also=("g_buffers",))[0]


def test_the_calibrated_camera_shows_where_a_command_leads(shard: Path) -> None:
    """As a crop about the grasp, turned to the closing axis, needs it."""
    for row in read_shard(shard).to_pylist():
        off = np.array(row["calibrated_from_base"])
        off[3] += 0.01  # a calibration is wrong by so much
        sample = decode_sample(row | {"calibrated_from_base": off}, 0, ("cameras", "poses"))
        x_m, y_m, z_m, yaw_rad = sample["pose"] + [*sample["command"][:3], 0]
        yaw_rad += np.arctan2(*sample["command"][3:]) / 2
        np.testing.assert_allclose(sample["grasp"], [x_m, y_m, z_m, yaw_rad], atol=1e-6)
        camera = camera_in(sample)
        assert camera == replace(calibration_of(row), camera_from_base=camera.camera_from_base)
        (seen,), _ = project(np.array([x_m, y_m, z_m]), camera)
        (believed,), _ = project(np.array([x_m, y_m, z_m]), camera_in(sample, "true"))
        assert np.hypot(*(seen - believed)) > 0.4
        if row["is_success"]:  # the object lies there, in the picture of the true camera
            assert before_of(row).instance_ids[tuple(np.rint(believed[::-1]).astype(int))] > 0


def test_a_crop_about_the_grasp_is_turned_to_the_closing_axis(shard: Path) -> None:
    """14 cm of the plane of the grasp, its x axis along the closing axis."""
    reader = SampleReader(shard.parent, also=("cameras", "poses"))
    rows, half_m, size_px = read_shard(shard).to_pylist(), 0.07, 32
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    for number in range(0, len(reader), 2):
        sample = reader[number]
        x_m, y_m, z_m, yaw_rad = sample["grasp"]
        along, across = np.array(
            [[np.cos(yaw_rad), np.sin(yaw_rad)], [-np.sin(yaw_rad), np.cos(yaw_rad)]]
        )
        plane_m = [x_m, y_m] + half_m * corners @ np.stack([along, across])
        seen_px, _ = project(np.c_[plane_m, np.full(4, z_m)], camera_in(sample))
        to_crop = cv2.getPerspectiveTransform(
            seen_px.astype(np.float32), (corners + 1) * (size_px - 1) / 2
        )
        crop = cv2.warpPerspective(sample["before"], to_crop, (size_px, size_px))
        middle = crop[size_px // 2, size_px // 2]
        on_object = np.abs(middle.astype(int) - (200, 190, 180)).max() > 20
        assert on_object == rows[number // 2]["is_success"]


def test_the_pictures_of_a_sample_are_painted_anew(shard: Path) -> None:
    textures = generated_textures(np.random.default_rng(0), 8)
    reader = SampleReader(shard.parent, also=("cameras", "g_buffers", "masks", "objects"))
    row, sample = read_shard(shard).to_pylist()[0], reader[1]
    look = random_look(len(sample["object_positions_m"]), 8, np.random.default_rng(1))
    for picture, stored in (
        ("before", before_of(row)),
        ("now", attempt_of(row).steps[1].rendering),
    ):
        painted, expected = (
            repaint(each, look, textures, np.random.default_rng(2))
            for each in (rendering_in(sample, picture), stored)  # type: ignore[arg-type]
        )
        np.testing.assert_array_equal(painted.rgb, expected.rgb)
        assert np.abs(painted.rgb.astype(int) - sample[picture]).mean() > 10


def test_folder_without_shards_is_named(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    (tmp_path / ".shard-00009.parquet").touch()
    assert find_shards(tmp_path) == shards
    with pytest.raises(DataError, match=r"found none in .*/empty"):
        find_shards(tmp_path / "empty")
