"""A model means the same in one form."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pybullet
import pytest

from tasks.grasping.objects.meshes import read_painted, read_pieces
from tasks.grasping.objects.rewriting import read_solid, rewritten
from tasks.grasping.objects.solids import at, body_of, box, obj_text
from tasks.grasping.objects.urdf import read_link
from tests.support.grasping.object_files import BOX, INERTIAL, URDF, link_of, write_thing

MESH = '<mesh filename="thing.obj"/>'
CUBE = (
    "".join(f"v {x} {y} {z}\n" for x in (-1, 1) for y in (-1, 1) for z in (-1, 1))
    + "vt 0 0\nvt 1 0\nvt 1 1\nusemtl m\n"
    + "".join(
        f"f {a}/1 {b}/2 {c}/3\nf {a}/1 {c}/3 {d}/2\n"
        for a, b, c, d in ((1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5),
                           (2, 6, 8, 4))
    )
)  # fmt: skip


def written(folder: Path, urdf: str = URDF, mesh: str | None = None) -> Path:
    """Rewrite a model into a folder of its own; return that."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_thing(folder, urdf, obj_text(BOX) if mesh is None else mesh)
    out = folder / "out"
    out.mkdir()
    for name, content in rewritten(read_solid(path, folder)).items():
        (out / name).write_bytes(content)
    return out


def test_meshes_are_in_metres_where_the_link_has_them(tmp_path):
    origin = '<origin xyz="0.1 0 0" rpy="0 0 1.5707963267948966"/>'
    mesh = '<mesh filename="thing.obj" scale="2 1 1"/>'
    out = written(tmp_path, link_of(mesh, origin=origin))
    for name in ("collision.obj", "visual_0.obj"):
        (piece,) = read_pieces(out / name)
        assert np.ptp(piece.points, axis=0) == pytest.approx([0.04, 0.04, 0.06], abs=1e-6)
        assert piece.points.mean(0) == pytest.approx([0.1, 0, 0], abs=1e-6)
    link = read_link(out / "object.urdf")
    assert all(shape.size == (1, 1, 1) for shape in (*link.visuals, *link.collisions))
    np.testing.assert_allclose(link.tensor_kgm2, np.eye(3) * 1e-4)


def test_shapes_stay_shapes(tmp_path):
    origin = '<origin xyz="0 0 0.01" rpy="0.1 0 0"/>'
    for number, shape in enumerate(('box size="0.1 0.02 0.03"', 'sphere radius="0.02"',
                                    'cylinder radius="0.01" length="0.1"')):  # fmt: skip
        out = written(tmp_path / str(number), link_of(f"<{shape}/>", origin=origin))
        before = read_link(tmp_path / str(number) / "thing.urdf").collisions[0]
        after = read_link(out / "object.urdf").collisions[0]
        assert (after.kind, after.size) == (before.kind, before.size)
        assert after.frame.rpy_rad.tolist() == before.frame.rpy_rad.tolist()
        assert after.frame.xyz_m.tolist() == before.frame.xyz_m.tolist()


def test_pieces_stay_pieces_and_those_without_volume_are_left_out(tmp_path):
    pair = obj_text(body_of([*box(0.02, 0.02, 0.02), *at(box(0.01, 0.01, 0.01), 0.03)]))
    sheet = "o sheet\nv 0 0 0\nv .01 0 0\nv 0 .01 0\nf 17 18 19\n"
    out = written(tmp_path, link_of(MESH), pair + sheet)
    assert read_solid(tmp_path / "thing.urdf", tmp_path).num_flat == 1
    assert [len(piece.points) for piece in read_pieces(out / "collision.obj")] == [8, 8]
    assert sum(len(each.faces) for each in read_pieces(out / "visual_0.obj")) == 25


def test_pictures_and_colours_stay(tmp_path):
    cv2.imwrite(str(tmp_path / "red.jpg"), np.full((8, 8, 3), (0, 0, 250), np.uint8))
    (tmp_path / "thing.mtl").write_text("newmtl m\nmap_Kd red.jpg\n")
    scaled = '<mesh filename="thing.obj" scale="0.02 0.02 0.02"/>'
    out = written(tmp_path, link_of(scaled), "mtllib thing.mtl\n" + CUBE)
    (seen,) = read_painted(out / "visual_0.obj", out)
    assert seen.picture is not None
    client = pybullet.connect(pybullet.DIRECT)
    pybullet.loadURDF(str(out / "object.urdf"), physicsClientId=client)
    view = pybullet.computeViewMatrix([0.2, 0.1, 0.1], [0, 0, 0], [0, 0, 1])
    lens = pybullet.computeProjectionMatrixFOV(20, 1, 0.01, 1)
    picture = pybullet.getCameraImage(
        32, 32, view, lens, shadow=0, renderer=pybullet.ER_TINY_RENDERER, physicsClientId=client
    )
    pybullet.disconnect(client)
    red, green, blue, _ = np.reshape(picture[2], (32, 32, 4))[16, 16].astype(int)
    assert red > 100
    assert max(green, blue) < 20
    coloured = link_of(MESH, paint='<material name="a"><color rgba="0 1 0 1"/></material>')
    out = written(tmp_path / "green", coloured)
    assert read_link(out / "object.urdf").visuals[0].rgba == (0, 1, 0, 1)


def test_what_a_body_is_decides_its_digest_and_not_how_it_is_written(tmp_path):
    def shape_digest(name: str, urdf: str = URDF, mesh: str | None = None) -> str:
        written(tmp_path / name, urdf, mesh)
        return read_solid(tmp_path / name / "thing.urdf", tmp_path).shape_digest

    lines = obj_text(BOX).splitlines()
    corners = [line for line in lines if line[0] == "v"]
    turned = [*corners[1:], corners[0]]
    moved = {number + 2: number + 1 for number in range(7)} | {1: 8}
    faces = [
        "f " + " ".join(str(moved[int(each)]) for each in line.split()[1:])
        for line in reversed(lines)
        if line[0] == "f"
    ]
    millimetres = "".join(
        f"v {' '.join(str(1000 * float(each)) for each in line.split()[1:])}\n" if line[0] == "v"
        else f"{line}\n"
        for line in lines
    )  # fmt: skip
    same = {
        "as it is": shape_digest("a"),
        "another name": shape_digest("b", URDF.replace('robot name="thing"', 'robot name="x"')),
        "another colour": shape_digest("c", URDF.replace("1.000 0.000", "0.500 0.000")),
        "another order": shape_digest("d", mesh="\n".join([*turned, *faces])),
        "another unit": shape_digest(
            "e", URDF.replace('scale="1 1 1"', 'scale="0.001 0.001 0.001"'), millimetres
        ),
    }
    assert len(set(same.values())) == 1, same
    other = {
        shape_digest("f", URDF.replace("0.0500", "0.0600")),
        shape_digest("g", mesh=obj_text(body_of(box(0.02, 0.04, 0.0601)))),
        shape_digest("h", link_of(MESH, inertial=INERTIAL)),
        shape_digest("i", link_of('<box size="0.02 0.04 0.06"/>', inertial=INERTIAL)),
    }
    assert len({*same.values(), *other}) == 5


def test_the_rewritten_is_rewritten_as_itself(tmp_path):
    out = written(tmp_path)
    again = rewritten(read_solid(out / "object.urdf", out))
    assert again["collision.obj"] == (out / "collision.obj").read_bytes()
    assert again["object.urdf"] == (out / "object.urdf").read_bytes()
