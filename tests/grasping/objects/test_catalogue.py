from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.grasping.objects.archive import unpack
from tasks.grasping.objects.catalogue import catalogue, split_of
from tasks.grasping.objects.folder import pack_folder
from tasks.grasping.objects.urdf import read_link
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


def packed(folder: Path) -> dict[str, ObjectModel]:
    """The user's objects as a worker finds them."""
    zip_path = folder.with_suffix(".zip")
    pack_folder(folder, zip_path)
    return {model.object_id: model for model in catalogue("folder", unpack(zip_path))}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))


def test_user_objects_are_named_by_their_place_and_found_as_they_were_packed(tmp_path):
    write_box(tmp_path / "mine" / "b", "brick")
    write_box(tmp_path / "mine", "apple", side_m=0.05)

    models = packed(tmp_path / "mine")

    assert list(models) == ["folder/apple", "folder/b/brick"]
    apple = models["folder/apple"]
    assert apple.family == "folder"
    assert apple.reach_m == pytest.approx(0.025 * np.sqrt(3), abs=1e-5)
    assert read_link(Path(apple.path)).mass_kg == 0.05


def test_a_users_split_depends_on_what_an_object_is_and_not_on_its_name(tmp_path):
    sides_m = np.linspace(0.02, 0.06, 30)
    for number, side_m in enumerate(sides_m):
        write_box(tmp_path / "one", f"box{number}", side_m)
        write_box(tmp_path / "two" / f"deep{number}", "thing", side_m)
        path = tmp_path / "two" / f"deep{number}" / "thing.urdf"
        (path.parent / "thing.obj").rename(path.parent / "shape.obj")
        path.write_text(path.read_text().replace("thing.obj", "shape.obj"))

    one, two = packed(tmp_path / "one"), packed(tmp_path / "two")

    found = {f"folder/deep{n}/thing": one[f"folder/box{n}"].split for n in range(30)}
    assert {name: model.split for name, model in two.items()} == found
    assert len(set(found.values())) > 1


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("shapenet", "expected procedural, everyday or folder, got 'shapenet'"),
        ("folder", "expected objects that were packed, got none"),
    ],
)
def test_unknown_family_or_nothing_packed_is_refused(family, message):
    with pytest.raises(ConfigError, match=message):
        catalogue(family)
