"""One reading of a URDF file for all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.grasping.objects.urdf import read_link
from tests.support.grasping.object_files import URDF, link_of, write_thing

TURNED = """<inertial><origin xyz="0.05 0 0.01" rpy="0 0 1.5707963267948966"/><mass value="0.3"/>
<inertia ixx="1e-4" ixy="1e-6" ixz="0" iyy="2e-5" iyz="0" izz="1e-4"/></inertial>"""


def test_mass_and_inertia_are_told_in_the_links_frame(tmp_path):
    link = read_link(write_thing(tmp_path, link_of('<sphere radius="0.02"/>', inertial=TURNED)))
    assert link.mass_kg == 0.3
    assert link.inertial.xyz_m.tolist() == [0.05, 0, 0.01]
    expected = [[2e-5, -1e-6, 0], [-1e-6, 1e-4, 0], [0, 0, 1e-4]]
    np.testing.assert_allclose(link.tensor_kgm2, expected, atol=1e-12)


def test_roll_pitch_and_yaw_are_about_fixed_axes(tmp_path):
    rpy = (0.3, -0.7, 2.1)
    origin = f'<origin xyz="1 2 3" rpy="{rpy[0]} {rpy[1]} {rpy[2]}"/>'
    link = read_link(write_thing(tmp_path, link_of('<box size="1 1 1"/>', origin=origin)))
    expected = Rotation.from_euler("xyz", rpy)
    frame = link.visuals[0].frame
    np.testing.assert_allclose(frame.turn, expected.as_matrix(), atol=1e-12)
    points_m = np.array([[0.1, 0.2, 0.3], [0, 0, 1]])
    np.testing.assert_allclose(
        frame.placed(points_m), expected.apply(points_m) + np.array([1, 2, 3])
    )


def test_paint_is_found_where_the_file_declares_it(tmp_path):
    (tmp_path / "wood.png").write_bytes(b"")
    declared = """<robot name="r"><material name="red"><color rgba="1 0 0 1"/></material>
<material name="wood"><texture filename="wood.png"/></material><link"""
    text = link_of('<box size="1 1 1"/>', paint='<material name="{}"/>').replace(
        '<robot name="r"><link', declared
    )
    (red,) = read_link(write_thing(tmp_path, text.format("red"))).visuals
    (wood,) = read_link(write_thing(tmp_path, text.format("wood"))).visuals
    (none,) = read_link(write_thing(tmp_path, text.format("unknown"))).visuals
    assert (red.rgba, red.picture) == ((1, 0, 0, 1), None)
    assert (wood.rgba, wood.picture) == (None, tmp_path / "wood.png")
    assert (none.rgba, none.picture) == (None, None)


def test_what_stands_in_a_comment_counts_for_nothing(tmp_path):
    read_link(write_thing(tmp_path, URDF.replace("<robot", "<!-- <!ENTITY off> -->\n<robot")))


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
        (link_of('<cone radius="1"/>'), "unknown shape <cone>"),
        (link_of('<sphere radius="0"/>'), "a <sphere> larger than 0 m"),
        (link_of(""), "expected one shape in each <geometry>"),
    ],
)
def test_broken_urdf_is_refused_and_named(tmp_path, urdf, message):
    broken = write_thing(tmp_path, urdf)
    with pytest.raises(DataError, match=message) as caught:
        read_link(broken)
    assert "thing.urdf" in str(caught.value)
