from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.graspgan.samples.painters import LookName, Painter, painter
from tasks.graspgan.samples.reading import Arrays, Asked, heights, read_crops
from tasks.grasping.data.shards import write_rows
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import camera_in
from tests.support.grasping.real_scenes import scene_rows
from tests.support.grasping.toy_rows import ORIGIN, toy_rows

PLAIN = Asked(side_px=16, pictures="before", looks={"plain": 1}, has_labels=True)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes of the bullet world, with three attempts each."""
    path = tmp_path_factory.mktemp("scenes") / "shard-00000.parquet"
    write_rows(path, [scene_rows("bullet", index, num_attempts=3) for index in range(2)])
    return path


def read(path: Path, asked: Asked, seed: int = 0) -> Arrays:
    painters: dict[LookName, Painter] = {name: painter(name, seed) for name in asked.looks}
    return read_crops(path, asked, painters)


def test_attempts_come_as_crops_with_what_is_known_of_them(shard: Path) -> None:
    found = read(shard, replace(PLAIN, looks={"plain": 1, "random": 2, "structured": 1}))
    rows = SampleReader([shard])
    assert found["success"].tolist() == [rows[k]["success"] for k in range(6)]
    assert found["plain_0"].shape == (6, 16, 16, 3)
    assert found["classes"].shape == (6, 16, 16, 1)
    assert found["motion"].shape == (6, 4)
    assert {*found["classes"].ravel()} <= {0, 1, 2}, "no arm in pictures without it"
    assert len({*found["scene_id"]}) == 2
    looks = [found[name] for name in ("plain_0", "random_0", "random_1", "structured_0")]
    for index, one in enumerate(looks):
        assert one.dtype == np.uint8
        assert all(np.abs(one.astype(int) - other).mean() > 5 for other in looks[:index])
    again = read(shard, replace(PLAIN, looks={"random": 2}))
    assert (again["random_1"] == found["random_1"]).all()


def test_crops_show_objects_where_objects_stand_up(shard: Path) -> None:
    found = read(shard, replace(PLAIN, looks={"plain": 1, "random": 1}))
    is_object = found["classes"][..., 0] == 2
    assert is_object.any()
    heights_m = found["heights_m"].astype(float)
    assert heights_m[is_object].mean() > 0.01 + heights_m[~is_object].mean()
    assert heights_m.max() < 0.3


def test_who_asks_without_labels_learns_nothing_of_outcomes(shard: Path) -> None:
    found = read(shard, replace(PLAIN, has_labels=False, looks={"plain": 1, "random": 1}))
    assert {*found} == {
        *("attempt_id", "scene_id", "is_uniform", "station", "motion", "plain_0", "random_0"),
    }


def test_pictures_with_the_arm_come_on_request(shard: Path) -> None:
    found = read(shard, replace(PLAIN, pictures="both"))
    assert found["plain_0"].shape == (6, 16, 16, 6)
    assert found["classes"].shape == (6, 16, 16, 2)


def test_the_papers_network_sees_whole_pictures_and_commands(shard: Path) -> None:
    found = read(shard, replace(PLAIN, network="picture", looks={"plain": 1, "random": 1}))
    samples = SampleReader([shard], also=("masks",))
    first = samples[0]
    assert found["motion"][0] == pytest.approx(first["command"])
    assert found["plain_0"].shape == (6, 16, 16, 3)
    assert (found["plain_0"][0] == found["plain_0"][2]).all(), "of one scene"
    mean = found["plain_0"][0].mean(axis=(0, 1))
    assert mean == pytest.approx(first["before"].mean(axis=(0, 1)), abs=0.6)
    share = (found["classes"] == 2).mean(), (first["before_class_mask"] == 2).mean()
    assert share[0] == pytest.approx(share[1], abs=0.03)
    assert found["heights_m"].shape == (6, 16, 16)


def test_heights_are_those_of_the_bin(shard: Path) -> None:
    sample = SampleReader([shard], also=("cameras", "g_buffers", "masks"))[0]
    height_m = heights(sample["before_depth"], camera_in(sample, "true"))
    tray = sample["before_class_mask"] == 1
    low = np.quantile(height_m[tray], 0.2)  # walls belong to the tray, too
    assert low == pytest.approx(0.0, abs=0.005)


def test_without_g_buffers_no_look_is_painted(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    write_rows(path, [toy_rows("train-7-0000000", num_steps=1, origin=ORIGIN)])
    assert "plain_0" in read(path, PLAIN)
    with pytest.raises(DataError, match=r"collect with camera\.g_buffers"):
        read(path, replace(PLAIN, looks={"random": 1}))


def test_cut_looks_need_a_target() -> None:
    with pytest.raises(ValueError, match="needs what was cut from a target"):
        painter("cut", 0, None)
