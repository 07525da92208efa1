from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.manifests import Material
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_sets import NUM, PER_SCENE, arrays_of, toy_set


def test_a_material_is_a_pool_in_all_its_looks(tmp_path: Path) -> None:
    crops = toy_set()
    pool = CropPools(ItemFolder(tmp_path, arrays_of(crops))).pool(
        Material(crops=crops, looks=("plain",))
    )
    assert len(pool.pictures) == 2
    assert pool.success is not None


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    crops = toy_set("surrogate", has_labels=False)
    pool = CropPools(ItemFolder(tmp_path, arrays_of(crops))).pool(
        Material(crops=crops, looks=("plain",))
    )
    assert pool.success is None
    assert pool.classes is None


@pytest.mark.parametrize(("share", "num_scenes"), [(1.0, 8), (0.25, 2), (0.01, 1)])
def test_a_share_of_labels_is_of_whole_scenes(
    tmp_path: Path, share: float, num_scenes: int
) -> None:
    crops = toy_set()
    pools = CropPools(ItemFolder(tmp_path, arrays_of(crops)))
    material = Material(crops=crops, looks=("plain",))
    assert len(pools.some_scenes(material, share, 0)) == num_scenes * PER_SCENE
    few, other = (pools.some_scenes(material, 0.25, seed).motion for seed in (0, 1))
    assert not np.array_equal(few, other)


def test_adapted_pictures_stand_in_place_of_looks(tmp_path: Path) -> None:
    crops = toy_set()
    made = np.zeros((NUM, 16, 16, 3), np.uint8)
    np.savez(tmp_path / "adapted.npz", adapted_000=made, adapted_001=made + 1)
    folder = ItemFolder(tmp_path, arrays_of(crops))
    material = Material(crops=crops, adapted=folder.add("adapted.npz"))
    pool = CropPools(folder).pool(material)
    assert [each.max() for each in pool.pictures] == [0, 1]
    assert pool.success is not None


def test_colours_are_those_of_a_target(tmp_path: Path) -> None:
    crops, target = toy_set(), toy_set("surrogate", has_labels=False, num_looks=1)
    arrays = arrays_of(crops) | arrays_of(target, seed=1, brightness=90)
    material = Material(crops=crops, looks=("plain",), gives_colours=target)
    pool = CropPools(ItemFolder(tmp_path, arrays)).pool(material)
    assert pool.pictures[0].mean() == pytest.approx(
        arrays["surrogate-train-unlabelled/plain_0"].mean(), abs=4
    )
