from __future__ import annotations

import zipfile

import cv2
import numpy as np
import pytest

from tasks.core.digests import digest
from tasks.core.errors import ConfigError
from tasks.core.records import FileRef
from tasks.grasping.config import (
    ObjectsConfig,
    PlanConfig,
    PolicyConfig,
    RandomiseConfig,
    WorldConfig,
)
from tasks.grasping.packed_files import PackedFile, pack_file, pack_tasks
from tests.support.grasping.object_files import write_box
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.s3 import put_folder

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
        (PlanConfig(world=WorldConfig(name="bullet-structured")), ["textures"]),
        (PlanConfig(randomise=RandomiseConfig(textures="/unused")), []),
    ],
)
def test_what_is_needed_is_packed_and_no_more(config, kinds):
    assert [task.item_id for task in pack_tasks(config)] == kinds


def test_a_worker_fetches_what_lies_in_a_store(tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    folder = write_pictures(tmp_path / "pictures")
    uri = put_folder(tmp_path / "pictures", f"{bucket}/pictures")
    task = textures_of(uri)
    assert (task.path, task.fingerprint) == (uri, textures_of(folder).fingerprint)
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "another node's"))
    for name, each in (("stored", task), ("disk", textures_of(folder))):
        pack_file(each, None, Folder(tmp_path / name))
    stored, disk = ((tmp_path / name / "textures.npz").read_bytes() for name in ("stored", "disk"))
    assert stored == disk


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


class Folder:
    """As much of an item's folder as packing needs."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def add(self, name):
        assert (self.path / name).is_file()
        return FileRef(uri=name, sha256="0" * 64, num_bytes=1)


def objects_of(folder):
    config = PlanConfig(objects=ObjectsConfig(family="folder", folder=str(folder)))
    (task,) = pack_tasks(config)
    return task


@pytest.mark.hostile
def test_few_odd_objects_are_left_out_and_named(tmp_path):
    folder = tmp_path / "models"
    for number in range(24):
        write_box(folder, f"box{number:02}", 0.03 + 0.001 * number)
    (folder / "box07.urdf").write_text("<robot")
    packed = pack_file(objects_of(folder), None, Folder(tmp_path / "item"))
    assert isinstance(packed, PackedFile)
    (skipped,) = packed.skipped
    assert skipped.item_id == "folder/box07"
    check_sentence(skipped.reason, "box07.urdf")
    assert str(folder) not in skipped.reason
    with zipfile.ZipFile(tmp_path / "item" / "objects.zip") as file:
        assert sum(name.endswith(".urdf") for name in file.namelist()) == 23


@pytest.mark.hostile
@pytest.mark.parametrize("place", ["~nouser/a", "n" * 5000, "a\0b", "/dev/zero", "/nowhere"])
@pytest.mark.parametrize("setting", ["objects.folder", "randomise.textures", "policy.model"])
def test_an_odd_place_is_refused_by_its_setting(setting, place):
    config = {
        "objects.folder": PlanConfig(objects=ObjectsConfig(family="folder", folder=place)),
        "randomise.textures": PlanConfig(
            randomise=RandomiseConfig(appearance=True, textures=place)
        ),
        "policy.model": PlanConfig(policy=PolicyConfig(kind="model", model=place)),
    }[setting]
    with refused(setting):
        pack_tasks(config)


@pytest.mark.hostile
@pytest.mark.parametrize("setting", ["objects.folder", "policy.model"])
def test_80_gb_are_refused_unread(tmp_path, setting):
    with (tmp_path / "large.obj").open("wb") as file:
        file.truncate(80 * 10**9)
    objects = ObjectsConfig(family="folder", folder=str(tmp_path))
    policy = PolicyConfig(kind="model", model=str(tmp_path / "large.obj"))
    given = {"objects": objects} if setting == "objects.folder" else {"policy": policy}
    with refused(setting, "80,000,000,000"):
        pack_tasks(PlanConfig(**given))
