from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.grasping.objects.catalogue import catalogue, split_of
from tasks.grasping.types import ObjectModel
from tests.support.grasping.object_files import write_box


def of_split(models: tuple[ObjectModel, ...], split: str) -> list[str]:
    return [model.object_id for model in models if model.split == split]


def test_procedural_family_has_all_usable_shapes_and_its_splits_are_pinned():
    models = catalogue("procedural")

    assert len(models) == 999
    assert "procedural/0168" not in {model.object_id for model in models}
    counts = {split: len(of_split(models, split)) for split in ("train", "validation", "held_out")}
    assert counts == {"train": 796, "validation": 101, "held_out": 102}
    assert of_split(models, "held_out")[:3] == PROCEDURAL_HELD_OUT
    assert of_split(models, "validation")[:3] == PROCEDURAL_VALIDATION
    assert all(Path(model.path).is_file() for model in models)


PROCEDURAL_HELD_OUT = ["procedural/0002", "procedural/0003", "procedural/0005"]
PROCEDURAL_VALIDATION = ["procedural/0006", "procedural/0009", "procedural/0013"]


def test_everyday_family_has_many_kinds_in_each_split():
    models = catalogue("everyday")

    names = [model.object_id for model in models]
    assert names == sorted(set(names))
    assert len(names) >= 60
    assert {"everyday/mug", "everyday/duck", "everyday/pen", "everyday/bowl"} <= set(names)
    assert len(of_split(models, "validation")) >= 5
    assert len(of_split(models, "held_out")) >= 5
    assert split_of("everyday/can") == "held_out"


def test_user_objects_are_named_by_their_place_and_sorted(tmp_path):
    write_box(tmp_path / "b", "brick")
    write_box(tmp_path, "apple", side_m=0.05)

    models = catalogue("folder", tmp_path)

    assert [model.object_id for model in models] == ["folder/apple", "folder/b/brick"]
    assert models[0].family == "folder"
    assert models[0].reach_m == pytest.approx(0.025 * np.sqrt(3), abs=1e-5)


def test_user_object_that_is_broken_is_listed_and_refused_only_when_it_is_used(tmp_path):
    write_box(tmp_path, "good")
    (tmp_path / "bad.urdf").write_text("<robot>")

    assert [model.object_id for model in catalogue("folder", tmp_path)] == [
        "folder/bad",
        "folder/good",
    ]


def test_split_depends_on_the_name_alone(tmp_path):
    for name in ("a", "b", "c", "d"):
        write_box(tmp_path / "one", name)
    for name in ("b", "d"):
        write_box(tmp_path / "two", name)

    one = {model.object_id: model.split for model in catalogue("folder", tmp_path / "one")}
    two = {model.object_id: model.split for model in catalogue("folder", tmp_path / "two")}

    assert two == {name: one[name] for name in ("folder/b", "folder/d")}


@pytest.mark.parametrize(
    ("family", "folder", "message"),
    [
        ("shapenet", None, "expected procedural, everyday or folder, got 'shapenet'"),
        ("folder", None, "expected a folder of URDF files, got ''"),
        ("folder", "missing", "expected a folder of URDF files, got"),
        ("folder", "", "found none"),
    ],
)
def test_unknown_family_or_folder_is_refused(tmp_path, family, folder, message):
    with pytest.raises(ConfigError, match=message):
        catalogue(family, None if folder is None else tmp_path / folder)
