from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.objects.checks import check_model, model_facts
from tasks.grasping.objects.solids import body_of, box, obj_text, urdf_text
from tasks.grasping.types import ObjectModel
from tests.support.hostile.images import bomb
from tests.support.hostile.refusals import refused
from tests.support.hostile.within import run_within

BOX = body_of(box(0.02, 0.04, 0.06))
URDF = urdf_text("thing", BOX, 0.05, (1, 0, 0), "thing.obj")
LINK = """<robot name="r"><link name="l"><inertial><mass value="0.2"/></inertial>
<visual>{origin}<geometry>{shape}</geometry></visual>
<collision>{origin}<geometry>{shape}</geometry></collision></link></robot>"""


def model(folder: Path, urdf: str | bytes = URDF, mesh: str | bytes | None = obj_text(BOX)):
    def write(path: Path, content: str | bytes) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    write(folder / "thing.urdf", urdf)
    if mesh is not None:
        write(folder / "thing.obj", mesh)
    return ObjectModel("folder/thing", "folder", "train", str(folder / "thing.urdf"))


def test_facts_of_a_good_model(tmp_path):
    good = model(tmp_path)

    check_model(good)

    facts = model_facts(good.path)
    assert facts.mass_kg == pytest.approx(0.05)
    assert facts.extent_m == pytest.approx((0.06, 0.04, 0.02), abs=1e-5)
    assert facts.reach_m == pytest.approx(np.linalg.norm([0.01, 0.02, 0.03]), abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "origin", "extent_m"),
    [
        ('<box size="0.1 0.02 0.03"/>', "", (0.1, 0.03, 0.02)),
        ('<sphere radius="0.02"/>', "", (0.04, 0.04, 0.04)),
        ('<cylinder radius="0.01" length="0.1"/>', "", (0.1, 0.02, 0.02)),
        ('<capsule radius="0.01" length="0.1"/>', "", (0.12, 0.02, 0.02)),
        (
            '<box size="0.1 0.02 0.03"/>',
            '<origin xyz="0 0 1" rpy="0 0 1.5707963"/>',
            (0.1, 0.03, 0.02),
        ),
    ],
)
def test_extent_of_primitives(tmp_path, shape, origin, extent_m):
    thing = model(tmp_path, LINK.format(shape=shape, origin=origin))
    assert model_facts(thing.path).extent_m == pytest.approx(extent_m, abs=1e-6)


def test_origin_counts_for_the_reach(tmp_path):
    origin = '<origin xyz="0.1 0 0" rpy="0 0 0.7853981634"/>'
    thing = model(tmp_path, LINK.format(shape='<box size="0.02 0.02 0.0002"/>', origin=origin))
    assert model_facts(thing.path).reach_m == pytest.approx(0.1 + 0.01 * np.sqrt(2), abs=1e-5)


@pytest.mark.parametrize(
    ("urdf", "message"),
    [
        ("<robot><link>", "no valid XML"),
        (b"\xff\xfe\x00garbage", "no URDF file"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><robot/>', "no document type"),
        ("<mujoco/>", "expected a <robot> of one rigid <link>, got <mujoco> with 0"),
        ('<robot><link name="a"/><link name="b"/></robot>', "with 2; merge the links"),
        (URDF.replace('value="0.0500"', 'value="0"'), "a <mass> above 0 kg, got 0"),
        (URDF.replace('value="0.0500"', 'value="-1"'), "a <mass> above 0 kg, got -1"),
        (
            URDF.replace('value="0.0500"', 'value="heavy"'),
            "expected 1 numbers in 'value' of <mass>",
        ),
        (URDF.replace('value="0.0500"', 'value="nan"'), "got 'nan'"),
        (URDF.replace("inertial>", "other>"), "a <mass> above 0 kg, got none"),
        (URDF.replace('scale="1 1 1"', 'scale="1 0 1"'), "mesh scale above 0"),
        (URDF.replace('scale="1 1 1"', 'scale="1 1"'), "expected 3 numbers in 'scale'"),
        (URDF.replace("thing.obj", "other.obj"), "there is no mesh file 'other.obj'"),
        (URDF.replace("thing.obj", "package://a/thing.obj"), "there is no mesh file"),
        (URDF.replace("thing.obj", "thing.urdf"), "expected a mesh of .obj, .stl"),
        (URDF.replace("collision>", "sensor>"), "a <visual> and a <collision> shape"),
        (LINK.format(shape='<cone radius="1"/>', origin=""), "unknown shape <cone>"),
        (LINK.format(shape='<sphere radius="0"/>', origin=""), "a <sphere> larger than 0 m"),
        (LINK.format(shape="", origin=""), "expected one shape in each <geometry>"),
    ],
)
def test_broken_urdf_is_refused_and_named(tmp_path, urdf, message):
    broken = model(tmp_path, urdf)
    with pytest.raises(DataError, match=message) as caught:
        check_model(broken)
    assert "thing.urdf" in str(caught.value)


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (None, "there is no mesh file 'thing.obj'"),
        ("hello", "has no faces"),
        ("", "has no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "no readable mesh"),
        ("v 0 0 x\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no readable mesh"),
        ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "vertices that are no numbers"),
        (b"\x00\xff\xfe\x80" * 40, "thing.obj"),
    ],
)
def test_broken_mesh_is_refused_and_named(tmp_path, mesh, message):
    broken = model(tmp_path, mesh=mesh)
    with pytest.raises(DataError, match=message) as caught:
        check_model(broken)
    assert "thing" in str(caught.value)


def test_model_that_is_larger_than_the_bin_is_refused(tmp_path):
    huge = model(tmp_path, URDF.replace('scale="1 1 1"', 'scale="1 1 10"'))
    with pytest.raises(DataError, match=r"folder/thing, .*thing.urdf: it is 0.6 m long, the bin"):
        check_model(huge)


def test_missing_file_is_refused(tmp_path):
    missing = ObjectModel("folder/x", "folder", "train", str(tmp_path / "x.urdf"))
    with pytest.raises(DataError, match="can't read the URDF file"):
        check_model(missing)


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
        check_model(ObjectModel("folder/thing", "folder", "train", str(path)))
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


def hostile(folder: Path, kind: str) -> ObjectModel:
    if kind in HOSTILE_MESHES:
        return model(folder, mesh=HOSTILE_MESHES[kind])
    urdf = HOSTILE_URDFS[kind]
    outside = str(folder.parents[1] / "outside")
    return model(folder, urdf.replace("{outside}", outside) if isinstance(urdf, str) else urdf)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", [*HOSTILE_URDFS, *HOSTILE_MESHES])
def test_a_hostile_model_is_refused_and_nothing_else_is_read(home: Path, kind: str) -> None:
    with refused("thing", outside=home.parents[1] / "outside", limit_s=10):
        check_model(hostile(home, kind))


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
        "from tasks.grasping.objects.checks import check_model\n"
        "from tasks.grasping.types import ObjectModel",
        _RUN.format(folder=str(home.parent)),
    )
    assert found.count("refused") == len(kinds)


@pytest.mark.hostile
def test_a_model_may_name_what_lies_beside_its_folder(home: Path) -> None:
    """Robots' packages keep URDF files and meshes in folders of their own."""
    (home / "urdf").mkdir()
    (home / "meshes").mkdir()
    (home / "meshes" / "thing.obj").write_text("mtllib gone.mtl\n" + obj_text(BOX))
    thing = model(home / "urdf", _mesh_named("../meshes/thing.obj"), None)
    check_model(ObjectModel("folder/urdf/thing", "folder", "train", thing.path))
    with refused("lies outside"):
        check_model(thing)
