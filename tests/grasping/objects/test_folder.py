"""A user's folder: what is packed, what is left out, and what is said of it."""

from __future__ import annotations

import os
import zipfile

import pytest

from tasks.core.errors import ConfigError, DataError
from tasks.grasping.objects import folder as packing
from tasks.grasping.objects.folder import pack_folder, user_urdfs
from tasks.grasping.objects.solids import body_of, box, obj_text
from tests.support.grasping.object_files import link_of, write_box

FLAT = '<box size="0.1 0.1 0.0001"/>'


@pytest.fixture
def mine(tmp_path):
    for number in range(24):
        write_box(tmp_path / "mine" / "deep" / f"{number:02}", "box", 0.03 + 0.0005 * number)
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    return tmp_path / "mine"


def test_workers_see_what_was_rewritten_and_nothing_else(mine, tmp_path):
    done = pack_folder(mine, tmp_path / "a.zip")
    assert len(done.entries) == 24
    assert done.footprints_m2[0] == pytest.approx(9e-4, rel=1e-3)
    assert (done.skipped, done.duplicates, done.remarks) == ([], [], [])
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        names = {name.partition("/")[2] or name for name in file.namelist()}
    assert names == {"object.urdf", "collision.obj", "visual_0.obj", "objects.json"}


def test_equal_folders_give_equal_bytes(mine, tmp_path):
    pack_folder(mine, tmp_path / "a.zip")
    for path in mine.rglob("*"):
        os.utime(path, (0, 1_000_000_000))
    pack_folder(mine, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_copy_is_left_out_and_one_that_looks_otherwise_is_not(mine, tmp_path):
    write_box(mine, "a copy", 0.03)
    red = write_box(mine, "green", 0.03)
    red.write_text(red.read_text().replace("1.000 0.000 0.000", "0.000 1.000 0.000"))
    done = pack_folder(mine, tmp_path / "a.zip")
    (copy,) = done.duplicates
    assert copy.item_id == "folder/deep/00/box"
    assert copy.reason == "it is the same as folder/a copy, which is used"
    digests = {each.object_id: each.shape_digest for each in done.entries}
    assert len(digests) == 25
    assert digests["folder/green"] == digests["folder/a copy"], "so both are in one split"


def test_of_two_files_with_one_id_the_other_is_named(mine, tmp_path):
    write_box(mine, "thing", 0.031).rename(mine / "thing.URDF")
    write_box(mine, "thing", 0.029)
    done = pack_folder(mine, tmp_path / "a.zip")
    (other,) = done.skipped
    assert other.item_id == "thing.urdf"
    assert other.reason == (
        "thing.URDF beside it has the same id, folder/thing; rename one of them"
    )
    assert len(done.entries) == 25


def test_few_that_can_not_be_used_are_named_and_many_are_refused(mine, tmp_path):
    (mine / "flat.urdf").write_text(link_of(FLAT))
    done = pack_folder(mine, tmp_path / "a.zip")
    (flat,) = done.skipped
    assert flat.item_id == "folder/flat"
    assert flat.reason.startswith("flat.urdf: what collides is flat")
    (mine / "text.urdf").write_text("no URDF")
    (mine / "mesh.urdf").write_text(link_of('<mesh filename="gone.obj"/>'))
    with pytest.raises(DataError, match=r"3 objects can't be used: folder/flat.*gone\.obj"):
        pack_folder(mine, tmp_path / "b.zip")
    assert len(list(tmp_path.glob("*.zip"))) == 2


def test_what_a_user_should_know_is_said_of_each_object(mine, tmp_path):
    seen = '<box size="0.04 0.04 0.06"/>'
    (mine / "tall.urdf").write_text(link_of('<box size="0.04 0.04 0.04"/>', seen=seen))
    (said,) = pack_folder(mine, tmp_path / "a.zip").remarks
    assert said.object_id == "folder/tall"
    assert "differ in size" in said.remark


def test_folders_without_models_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"expected URDF files .* found none"):
        user_urdfs(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.urdf").symlink_to(tmp_path / "a.urdf")
    with pytest.raises(ConfigError, match=r"found none; a\.urdf: it is a link out of the folder"):
        user_urdfs(tmp_path / "empty")


def test_more_than_is_unpacked_again_is_refused(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MAX_BYTES", 5000)
    with pytest.raises(ConfigError, match="models of at most 5,000 bytes"):
        pack_folder(mine, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.hostile
def test_links_out_of_the_folder_are_not_followed(mine, tmp_path):
    (tmp_path / "secret.obj").write_text(obj_text(body_of(box(0.02, 0.02, 0.02))))
    (mine / "far.obj").symlink_to(tmp_path / "secret.obj")
    (mine / "circle").symlink_to(".")
    urdfs, odd = user_urdfs(mine)
    assert len(urdfs) == 24
    assert sorted(each.item_id for each in odd) == ["circle", "far.obj"]
