from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.objects.checks import check_model, model_facts
from tasks.grasping.objects.solids import body_of, box, obj_text, urdf_text
from tasks.grasping.types import ObjectModel

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
