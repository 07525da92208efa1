from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.core.digests import digest
from tasks.core.errors import ConfigError
from tasks.grasping.config import (
    ObjectsConfig,
    PlanConfig,
    PolicyConfig,
    RandomiseConfig,
    WorldConfig,
)
from tasks.grasping.packed_files import pack_tasks

PAINTED = RandomiseConfig(appearance=True)


def write_pictures(folder):
    folder.mkdir(parents=True)
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((16, 16, 3), 50 * index, np.uint8))
    return str(folder)


def textures_of(folder):
    config = PlanConfig(randomise=RandomiseConfig(appearance=True, textures=folder))
    (task,) = pack_tasks(config)
    return task


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        (PlanConfig(), []),
        (PlanConfig(randomise=PAINTED), ["textures"]),
        (PlanConfig(world=WorldConfig(name="surrogate")), ["textures"]),
        (PlanConfig(world=WorldConfig(name="bullet-restyled")), ["textures"]),
        (PlanConfig(randomise=RandomiseConfig(textures="/unused")), []),
    ],
)
def test_what_is_needed_is_packed_and_no_more(config, kinds):
    assert [task.item_id for task in pack_tasks(config)] == kinds


def test_the_content_is_what_counts(tmp_path):
    one, same = (textures_of(write_pictures(tmp_path / name)) for name in ("one", "same"))
    assert one.fingerprint == same.fingerprint
    (tmp_path / "same" / "2.png").rename(tmp_path / "same" / "9.png")
    renamed = textures_of(str(tmp_path / "same"))
    cv2.imwrite(str(tmp_path / "same" / "9.png"), np.full((16, 16, 3), 9, np.uint8))
    changed = textures_of(str(tmp_path / "same"))
    assert len({one.fingerprint, renamed.fingerprint, changed.fingerprint}) == 3


def test_a_model_is_checked_for_the_pictures_it_will_see(tmp_path):
    path = tmp_path / "model.pt2"
    path.write_bytes(b"weights")
    policy = PolicyConfig(kind="model", model=str(path), model_candidates=32)
    (task,) = pack_tasks(PlanConfig(policy=policy))
    assert (task.size_px, task.num_candidates) == (64, 32)
    path.write_bytes(b"other weights")
    (other,) = pack_tasks(PlanConfig(policy=policy))
    assert digest(task) != digest(other)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"randomise\.textures: expected files in"):
        textures_of(str(tmp_path))
    objects = ObjectsConfig(family="folder", folder=str(tmp_path))
    with pytest.raises(ConfigError, match=r"objects\.folder: expected files in"):
        pack_tasks(PlanConfig(objects=objects))
