"""Mesh files are read whatever wrote them."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.objects.meshes import (
    Surface,
    outwards,
    read_painted,
    read_picture,
    read_pieces,
    volume_m3,
)
from tasks.grasping.objects.solids import at, body_of, box, obj_text
from tests.support.grasping.object_files import BOX, write_thing

TRIANGLES = np.array([points[faces] for points, faces in BOX.parts])[0]


def write_stl(path, *, is_text):
    if is_text:
        facets = "".join(
            "facet normal 0 0 0\nouter loop\n"
            + "".join(f"vertex {x} {y} {z}\n" for x, y, z in corners)
            + "endloop\nendfacet\n"
            for corners in TRIANGLES.tolist()
        )
        path.write_text(f"solid a\n{facets}endsolid a\n")
    else:
        head = b"\0" * 80 + struct.pack("<I", len(TRIANGLES))
        facets = (struct.pack("<12fH", 0, 0, 0, *each.ravel(), 0) for each in TRIANGLES)
        path.write_bytes(head + b"".join(facets))
    return path


@pytest.mark.parametrize(("name", "is_text"), [("a.stl", True), ("A.STL", False)])
def test_stl_files_of_both_kinds_hold_the_same_body(tmp_path, name, is_text):
    (piece,) = read_pieces(write_stl(tmp_path / name, is_text=is_text))
    assert np.ptp(piece.points, axis=0) == pytest.approx([0.02, 0.04, 0.06])
    assert volume_m3(piece) == pytest.approx(0.02 * 0.04 * 0.06, rel=1e-5)


def test_pieces_are_the_files_objects(tmp_path):
    pair = body_of([*box(0.02, 0.02, 0.02), *at(box(0.01, 0.01, 0.01), 0.03)])
    (tmp_path / "pair.obj").write_text(obj_text(pair))
    pieces = read_pieces(tmp_path / "pair.obj")
    assert [len(piece.points) for piece in pieces] == [8, 8]
    volumes = sorted(volume_m3(piece) or 0.0 for piece in pieces)
    assert volumes == pytest.approx([1e-6, 8e-6], rel=1e-3)


def test_volume_needs_no_order_and_only_closed_surfaces_have_one(tmp_path):
    lines = obj_text(BOX).splitlines()
    turned = [
        f"f {' '.join(reversed(each.split()[1:]))}" if number % 2 and each[0] == "f" else each
        for number, each in enumerate(lines)
    ]
    (tmp_path / "turned.obj").write_text("\n".join(turned))
    (tmp_path / "open.obj").write_text("\n".join(lines[:-2]))
    assert volume_m3(read_pieces(tmp_path / "turned.obj")[0]) == pytest.approx(4.8e-5, rel=1e-3)
    assert volume_m3(read_pieces(tmp_path / "open.obj")[0]) is None


def signed_m3(surface):
    a, b, c = surface.points[surface.faces].transpose(1, 0, 2)
    return np.sum(a * np.cross(b, c)) / 6


@pytest.mark.parametrize("turned", [slice(None), slice(None, None, 2), slice(0)])
def test_triangles_are_turned_to_where_they_are_seen_from(turned):
    ((points, faces),) = BOX.parts
    faces = faces.copy()
    faces[turned] = faces[turned][:, ::-1]
    corners, uv = points[faces.ravel()], np.linspace(0, 1, 72).reshape(36, 2)
    apart = Surface(corners, np.arange(36).reshape(12, 3), uv)
    found = outwards(apart)
    assert signed_m3(found) == pytest.approx(4.8e-5, rel=1e-3)
    assert np.sort(found.faces, axis=1).tolist() == np.sort(apart.faces, axis=1).tolist()
    half = Surface(apart.points, apart.faces[:5])
    assert outwards(half) is half, "what isn't closed has no outside"


def test_materials_come_with_their_picture_and_colour(tmp_path):
    cv2.imwrite(str(tmp_path / "t.jpg"), np.full((8, 2000, 3), (0, 0, 250), np.uint8))
    (tmp_path / "m.mtl").write_text("newmtl a\nmap_Kd t.jpg\nnewmtl b\nKd 0 1 0\n")
    (tmp_path / "m.obj").write_text(
        "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 0 1\n"
        "usemtl a\nf 1/1 2/2 3/3\nusemtl b\nf 1 2 4\nf 2 3 4\n"
    )
    painted, plain = sorted(read_painted(tmp_path / "m.obj", tmp_path), key=lambda s: len(s.faces))
    assert painted.picture is not None
    assert painted.uv is not None
    pixels = cv2.imdecode(np.frombuffer(painted.picture, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape[1] == 1024, "larger ones are scaled down"
    assert pixels.mean((0, 1)) == pytest.approx([0, 0, 250], abs=3)
    assert (plain.picture, plain.rgba) == (None, (0, 1, 0, 1))


@pytest.mark.parametrize(
    ("material", "rgba", "has_picture"),
    [
        (None, None, False),
        ("Ka 0 0 0", None, False),
        ("map_Kd t.png", None, True),
        ("Kd 1 0 1\nmap_Kd t.png", (1, 0, 1, 1), True),
        ("Kd 1 0 1\nmap_Kd missing.png", (1, 0, 1, 1), False),
    ],
)
def test_what_a_file_does_not_name_is_not_made_up(tmp_path, material, rgba, has_picture):
    cv2.imwrite(str(tmp_path / "t.png"), np.full((4, 4, 3), 250, np.uint8))
    head = "" if material is None else "mtllib m.mtl\nusemtl a\n"
    (tmp_path / "m.mtl").write_text(f"newmtl a\n{material}\n")
    corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n"
    (tmp_path / "m.obj").write_text(head + corners)
    (seen,) = read_painted(tmp_path / "m.obj", tmp_path)
    assert (seen.rgba, seen.picture is not None) == (rgba, has_picture)


def test_a_picture_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png is no image"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        ("hello", "has no faces"),
        ("", "has no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "no readable mesh"),
        ("v 0 0 x\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no readable mesh"),
        ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "vertices that are no numbers"),
        (b"\x00\xff\xfe\x80" * 40, "thing.obj"),
    ],
)
def test_broken_mesh_is_refused_and_named(tmp_path, mesh, message):
    write_thing(tmp_path, mesh=mesh)
    for read in (read_pieces, lambda path: read_painted(path, tmp_path)):
        with pytest.raises(DataError, match=message) as caught:
            read(tmp_path / "thing.obj")
        assert "thing.obj" in str(caught.value)
