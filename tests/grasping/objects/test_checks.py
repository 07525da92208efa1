"""What no world can simulate is refused for all, and what a user may not expect is said."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.objects.checks import check_solid, remarks
from tasks.grasping.objects.rewriting import read_solid
from tasks.grasping.objects.solids import body_of, obj_text, shell
from tests.support.grasping.object_files import BOX, INERTIAL, URDF, link_of, write_thing
from tests.support.hostile.images import bomb
from tests.support.hostile.refusals import refused
from tests.support.hostile.within import run_within

CUBE = '<box size="0.04 0.04 0.04"/>'
MESH = '<mesh filename="thing.obj"/>'


def solid_of(folder: Path, urdf: str = URDF, mesh: str | None = None):
    return read_solid(write_thing(folder, urdf, obj_text(BOX) if mesh is None else mesh), folder)


def inertial(xx: float, yy: float, zz: float) -> str:
    numbers = f'<inertia ixx="{xx}" ixy="0" ixz="0" iyy="{yy}" iyz="0" izz="{zz}"/>'
    return f'<inertial><mass value="0.1"/>{numbers}</inertial>'


def scaled(scale: float) -> str:
    return link_of(f'<mesh filename="thing.obj" scale="{scale} {scale} {scale}"/>')


SHEET = "v 0 0 0\nv .06 0 0\nv .06 .06 0\nv 0 .06 0\nf 1 2 3\nf 1 3 4\n"
REFUSED = {
    "mass without inertia": (
        link_of(CUBE, inertial='<inertial><mass value="0.2"/></inertial>'),
        r"expected <inertia> beside <mass>, got none; .* write <inertia ixx=\"5\.333e-05\"",
    ),
    "no inertia at all": (link_of(CUBE, inertial=inertial(0, 0, 0)), "above 0 about every axis"),
    "none about one axis": (link_of(CUBE, inertial=inertial(1, 1, 0)), "above 0 about every axis"),
    "below 0": (link_of(CUBE, inertial=inertial(-1, 1, 1)), "above 0 about every axis"),
    "what no body has": (
        link_of(CUBE, inertial=inertial(1.486e-6, 2e-7, 8.31e-7)),
        "no body has this <inertia>: .* exceeds the sum",
    ),
    "inertia about turned axes": (
        link_of(
            '<box size="0.02 0.04 0.06"/>',
            inertial='<inertial><origin rpy="0 0 1.5707963"/><mass value="0.1"/></inertial>',
        ),
        r'<inertia ixx="3\.333e-05" ixy="0" ixz="0" iyy="4\.333e-05" iyz="0" izz="1\.667e-05"',
    ),
    "a centre of mass in millimetres": (
        link_of(CUBE, inertial=INERTIAL.replace("<mass", '<origin xyz="0 0 20"/><mass')),
        r'centre of mass lies 20 m outside .* write <origin xyz="0 0 0"/>',
    ),
    "larger than the bin": (scaled(10), r"it is 0\.6 m long, the bin .* smaller scale"),
    "millimetres for metres": (scaled(1000), "it is 60 m long"),
    "metres for millimetres": (scaled(0.001), r"is 0\.06 mm long, expected 5 mm .* larger scale"),
    "as thin as paper": (link_of('<box size="0.1 0.1 0.0001"/>'), r"flat, 0\.1 mm thick"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_world_can_simulate_is_refused(tmp_path, kind):
    urdf, message = REFUSED[kind]
    with pytest.raises(DataError, match=message) as caught:
        check_solid(solid_of(tmp_path, urdf))
    assert "thing.urdf" in str(caught.value)


def test_a_flat_mesh_is_refused_where_it_collides_and_not_where_it_is_seen(tmp_path):
    with pytest.raises(DataError, match=r"thing\.urdf: what collides is flat"):
        solid_of(tmp_path, link_of(MESH), SHEET)
    check_solid(solid_of(tmp_path, link_of('<box size="0.06 0.06 0.002"/>', seen=MESH), SHEET))


@pytest.mark.parametrize("faces", ["v 0 .1 0\nf 1 2 5\n", "f 1 2 3\nf 2 3 4\n"])
def test_what_can_not_be_seen_is_refused(tmp_path, faces):
    line = "v 0 0 0\nv .01 0 0\nv .02 0 0\nv .03 0 0\n"
    solid = solid_of(tmp_path, link_of(CUBE, seen=MESH), line + faces)
    with pytest.raises(DataError, match="what is seen has no surface, or less than four corners"):
        check_solid(solid)


def test_what_a_body_may_be_is_taken(tmp_path):
    solid = solid_of(tmp_path)
    check_solid(solid)
    assert solid.extent_m == pytest.approx((0.06, 0.04, 0.02), abs=1e-5)
    assert solid.reach_m == pytest.approx(np.linalg.norm([0.01, 0.02, 0.03]), abs=1e-5)
    assert list(remarks(solid)) == []
    plate = link_of('<box size="0.1 0.1 0.001"/>', inertial=inertial(8e-5, 8e-5, 16e-5))
    check_solid(solid_of(tmp_path, plate))


@pytest.mark.parametrize("shape", [CUBE, '<sphere radius="0.02"/>',
                                   '<cylinder radius="0.01" length="0.1"/>',
                                   '<capsule radius="0.01" length="0.08"/>'])  # fmt: skip
def test_nothing_is_said_of_plain_shapes(tmp_path, shape):
    solid = solid_of(tmp_path, link_of(shape, inertial=INERTIAL.replace("1e-4", "1e-5")))
    check_solid(solid)
    assert list(remarks(solid)) == []


def _one_piece(parts) -> str:
    """An OBJ file without groups."""
    return "".join(f"{line}\n" for line in obj_text(body_of(parts)).splitlines() if line[0] != "o")


BOWL = shell([(0.02, 0.0), (0.04, 0.04)], 0.003)


def test_a_hollow_of_one_piece_is_said_to_be_closed(tmp_path):
    (said,) = remarks(solid_of(tmp_path, link_of(MESH), _one_piece(BOWL)))
    assert "convex hulls of" in said
    assert "divide the mesh" in said
    assert list(remarks(solid_of(tmp_path, link_of(MESH), obj_text(body_of(BOWL))))) == []
    (said,) = remarks(solid_of(tmp_path, link_of(MESH), "\n".join(obj_text(BOX).split("\n")[:-3])))
    assert "is not closed" in said


def test_what_is_seen_and_what_collides_are_compared(tmp_path):
    longer = '<box size="0.04 0.04 0.055"/>'
    rounder = '<sphere radius="0.02"/>'
    (said,) = remarks(solid_of(tmp_path, link_of(CUBE, seen=longer)))
    assert said == "what is seen and what collides differ in size: 40 x 40 x 55 and 40 x 40 x 40 mm"
    (said,) = remarks(solid_of(tmp_path, link_of(CUBE, seen=rounder)))
    assert "differ in volume" in said
    assert not [*remarks(solid_of(tmp_path, link_of(CUBE, seen='<box size=".04 .04 .045"/>')))]


def test_an_inertia_beyond_the_objects_size_is_said(tmp_path):
    (said,) = remarks(solid_of(tmp_path, link_of(CUBE, inertial=inertial(1, 1, 1))))
    assert "no body of 0.1 kg and this size has more than 0.00012" in said


def _mesh_named(name: str) -> str:
    return URDF.replace("thing.obj", name)


HOSTILE_URDFS: dict[str, str | bytes] = {
    "entities that unpack without end": '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    + URDF,
    "an entity of another file": '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><robot>&a;'
    "</robot>",
    "another document type": '<!DOCTYPE r SYSTEM "http://127.0.0.1/r.dtd">' + URDF,
    "a document in UTF-16": URDF.encode("utf-16"),
    "a document that says UTF-7": '<?xml version="1.0" encoding="utf-7"?>' + URDF,
    "a document that says what is no encoding": '<?xml version="1.0" encoding="x-x"?>' + URDF,
    "tags without end, one in the other": "<a>" * 300_000,
    "50 MB": URDF + " " * 50_000_000,
    "a mass of a million digits": URDF.replace('value="0.0500"', f'value="{"9" * 10**6}"'),
    "a mass without bounds": URDF.replace('value="0.0500"', 'value="1e400"'),
    "a scale of a million numbers": URDF.replace('scale="1 1 1"', f'scale="{"1 " * 10**6}"'),
    "a mesh two folders up": _mesh_named("../../outside/secret.obj"),
    "a mesh by its absolute path": _mesh_named("{outside}/secret.obj"),
    "a mesh that is a device": _mesh_named("/dev/zero"),
    "a mesh through a link": _mesh_named("link.obj"),
    "a mesh through a linked folder": _mesh_named("linked/secret.obj"),
    "a mesh of another machine": _mesh_named("http://127.0.0.1/thing.obj"),
    "a mesh in a package": _mesh_named("package://secret/thing.obj"),
    "a mesh whose name is too long": _mesh_named("n" * 5000 + ".obj"),
    "a mesh that is a pipe": _mesh_named("pipe.obj"),
    "a mesh that is a folder": _mesh_named("linked"),
    "an inclusion": '<robot xmlns:xi="http://www.w3.org/2001/XInclude">'
    '<xi:include href="/etc/passwd" parse="text"/></robot>',
    "zero bytes": b"\0" * 1000,
    "nothing": b"",
}
HOSTILE_MESHES: dict[str, str | bytes] = {
    "a face of a billion": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 999999999\n",
    "a face below 0": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -1 -2 -999999999\n",
    "vertices without bounds": "v 1e999 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "vertices beyond the bin": "v 1e300 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "60 MB": "# " + "a" * 60_000_000,
    "materials elsewhere": "mtllib ../../outside/secret.mtl\n" + obj_text(BOX),
    "materials that are a device": "mtllib /dev/zero\n" + obj_text(BOX),
    "a picture elsewhere": "mtllib far.mtl\n" + obj_text(BOX),
    "a picture that is a device": "mtllib device.mtl\n" + obj_text(BOX),
    "a picture of 50,000 px": "mtllib bomb.mtl\n" + obj_text(BOX),
    "noise": np.random.default_rng(0).bytes(5000),
}
_RUN = """
from tasks.core.errors import DataError
for path in sorted(Path({folder!r}).glob("*/thing.urdf")):
    try:
        check_solid(read_solid(path, path.parent))
    except DataError:
        print("refused")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of objects, with what hostile ones name beside it and in it."""
    outside, folder = tmp_path / "outside", tmp_path / "data" / "set"
    folder.mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.obj").write_text(obj_text(BOX))
    (outside / "secret.mtl").write_text("newmtl a\n")
    fill(folder)
    return folder


def fill(folder: Path) -> None:
    outside = folder.parents[1] / "outside"
    (folder / "link.obj").symlink_to(outside / "secret.obj")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe.obj")
    (folder / "bomb.png").write_bytes(bomb("PNG"))
    (folder / "far.mtl").write_text("newmtl a\nmap_Kd -s 1 1 1 ../../outside/secret.png\n")
    (folder / "device.mtl").write_text("newmtl a\nmap_Kd /dev/zero\n")
    (folder / "bomb.mtl").write_text("newmtl a\n  map_Kd -clamp on bomb.png\n")


def hostile(folder: Path, kind: str) -> Path:
    if kind in HOSTILE_MESHES:
        return write_thing(folder, mesh=HOSTILE_MESHES[kind])
    urdf = HOSTILE_URDFS[kind]
    outside = str(folder.parents[1] / "outside")
    filled = urdf.replace("{outside}", outside) if isinstance(urdf, str) else urdf
    return write_thing(folder, filled)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", [*HOSTILE_URDFS, *HOSTILE_MESHES])
def test_a_hostile_model_is_refused_and_nothing_else_is_read(home: Path, kind: str) -> None:
    with refused("thing", outside=home.parents[1] / "outside", limit_s=10):
        check_solid(read_solid(hostile(home, kind), home))


@pytest.mark.hostile
def test_all_of_them_together_take_little_memory(home: Path) -> None:
    kinds = [*HOSTILE_URDFS, *HOSTILE_MESHES]
    for number, kind in enumerate(kinds):
        folder = home.with_name(f"set{number}")
        folder.mkdir()
        fill(folder)
        hostile(folder, kind)
    found = run_within(
        300_000_000,
        "from pathlib import Path\nimport numpy, trimesh\n"
        "from tasks.grasping.objects.checks import check_solid\n"
        "from tasks.grasping.objects.rewriting import read_solid",
        _RUN.format(folder=str(home.parent)),
    )
    assert found.count("refused") == len(kinds)


@pytest.mark.hostile
def test_a_model_may_name_what_lies_beside_its_folder(home: Path) -> None:
    """Robots' packages keep URDF files and meshes in folders of their own."""
    (home / "urdf").mkdir()
    (home / "meshes").mkdir()
    (home / "meshes" / "thing.obj").write_text("mtllib gone.mtl\n" + obj_text(BOX))
    thing = write_thing(home / "urdf", _mesh_named("../meshes/thing.obj"), None)
    check_solid(read_solid(thing, home))
    with refused("lies outside"):
        read_solid(thing, thing.parent)
