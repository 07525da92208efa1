"""The sheet of objects, in PyBullet's world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.config import WorldConfig
from tasks.grasping.looks.textures import Textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.pictures.objects import object_picture, objects_sheet
from tasks.grasping.types import ObjectModel
from tasks.grasping.worlds.bullet.world import BulletWorld


@pytest.fixture
def world() -> Iterator[BulletWorld]:
    world = BulletWorld(WorldConfig(), Textures(np.zeros((0, 1, 1, 3), np.uint8)))
    yield world
    world.close()


def test_object_is_in_the_middle_of_its_picture(world: BulletWorld) -> None:
    model = catalogue("procedural")[0]
    picture = object_picture(world, model, size_px=96).astype(int)
    floor = np.median(picture.reshape(-1, 3), 0)
    rows, columns = np.nonzero(np.abs(picture - floor).max(-1) > 60)
    assert len(rows) > 300
    assert abs(rows.mean() - 47.5) < 12
    assert abs(columns.mean() - 47.5) < 12


def test_sheet_leaves_out_what_cannot_be_loaded(world: BulletWorld) -> None:
    models = catalogue("procedural")[:3]
    broken = ObjectModel("folder/none", "folder", "train", "/nowhere/none.urdf")
    with pytest.raises(DataError):
        object_picture(world, broken)
    whole = objects_sheet(world, models, "Objects", count=3)
    with_broken = objects_sheet(world, [*models, broken], "Objects", count=4)
    assert whole.shape == with_broken.shape
    assert (whole[80:] == with_broken[80:]).mean() > 0.99
