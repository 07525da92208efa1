from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.urdf import read_link
from tasks.grasping.types import ObjectModel
from tests.support.grasping.object_files import link_of
from tests.support.grasping.surrogate_scenes import write_urdf

from tasks.grasping.worlds.surrogate.objects import read_body  # isort: skip


def test_a_procedural_object_comes_in_its_convex_pieces() -> None:
    model = catalogue("procedural")[0]
    body = read_body(model)
    parts = Path(model.path).with_suffix(".obj").read_text().count("o convex")
    assert len(body.pieces) == parts > 1
    assert body.mass_kg == pytest.approx(0.1)
    extent_m = np.ptp(body.surface.vertices_m, axis=0)
    assert (extent_m < 0.2).all()
    assert body.surface.faces.max() == len(body.surface.vertices_m) - 1


@pytest.mark.parametrize(
    ("geometry", "extent_m"),
    [
        ('<box size="0.02 0.04 0.06"/>', (0.02, 0.04, 0.06)),
        ('<sphere radius="0.02"/>', (0.04, 0.04, 0.04)),
        ('<cylinder radius="0.02" length="0.08"/>', (0.04, 0.04, 0.08)),
    ],
)
def test_simple_shapes_have_the_files_size(
    tmp_path: Path, geometry: str, extent_m: tuple[float, ...]
) -> None:
    body = read_body(write_urdf(tmp_path, "shape", geometry))
    assert len(body.pieces) == 1
    assert not body.pieces[0].is_mesh
    assert np.ptp(body.surface.vertices_m, axis=0) == pytest.approx(extent_m, abs=1e-3)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    model = write_urdf(tmp_path, "shape", '<box size="0.02 0.02 0.02"/>')
    read_body(model)
    write_urdf(tmp_path, "shape", '<box size="0.05 0.05 0.05"/>')
    os.utime(model.path, ns=(1, 1))
    assert np.ptp(read_body(model).surface.vertices_m) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<robot name='a'><link", "no valid XML"),
        (
            "<robot name='a'><link name='a'><inertial><mass value='1'/></inertial></link></robot>",
            "",
        ),
        (
            "<robot name='a'><link name='a'><collision><geometry><box size='1 1 1'/></geometry>"
            "</collision></link></robot>",
            "mass",
        ),
        (
            "<robot name='a'><link name='a'><inertial><mass value='1'/>"
            "<inertia ixx='1' iyy='1' izz='1' ixy='0' ixz='0' iyz='0'/></inertial><collision>"
            "<geometry><mesh filename='gone.obj'/></geometry></collision></link></robot>",
            r"gone\.obj",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.urdf"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"(?s)folder/bad.*bad\.urdf.*{reason}"):
        read_body(ObjectModel("folder/bad", "folder", "train", str(path)))


def test_a_mesh_that_is_no_mesh_is_named(tmp_path: Path) -> None:
    (tmp_path / "noise.obj").write_bytes(bytes(range(256)))
    model = write_urdf(tmp_path, "noisy", '<mesh filename="noise.obj"/>')
    with pytest.raises(DataError, match=r"noisy\.urdf.*noise\.obj"):
        read_body(model)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    model = ObjectModel("folder/gone", "folder", "train", str(tmp_path / "gone.urdf"))
    with pytest.raises(DataError, match=r"gone\.urdf"):
        read_body(model)


def test_a_body_is_what_its_file_says(tmp_path: Path) -> None:
    inertial = """<inertial><origin xyz="0.03 0 -0.01" rpy="0.4 0 0.3"/><mass value="0.3"/>
    <inertia ixx="1e-4" ixy="1e-5" ixz="0" iyy="3e-5" iyz="0" izz="9e-5"/></inertial>"""
    path = tmp_path / "a.urdf"
    path.write_text(link_of('<box size="0.1 0.02 0.02"/>', inertial=inertial))
    body = read_body(ObjectModel("folder/a", "folder", "train", str(path)))
    axes = Rotation.from_quat(np.roll(body.axes_wxyz, -1)).as_matrix()
    assert (body.mass_kg, *body.centre_m) == (0.3, 0.03, 0, -0.01)
    found = axes @ np.diag(body.moments_kgm2) @ axes.T
    np.testing.assert_allclose(found, read_link(path).tensor_kgm2, atol=1e-12)


def test_what_is_seen_need_not_be_what_collides(tmp_path: Path) -> None:
    text = link_of('<box size="0.02 0.02 0.02"/>', seen='<sphere radius="0.03"/>')
    (tmp_path / "a.urdf").write_text(text)
    body = read_body(ObjectModel("folder/a", "folder", "train", str(tmp_path / "a.urdf")))
    assert [piece.size_m.tolist() for piece in body.pieces] == [[0.01, 0.01, 0.01]]
    assert np.ptp(body.surface.vertices_m, axis=0) == pytest.approx([0.06] * 3, abs=1e-3)
