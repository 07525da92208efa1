"""Surfaces end up where they were put, and only those that the rig can see."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.rays.surfaces import SceneBuilder


def test_only_faces_that_can_face_the_rig_are_kept():
    ahead = SceneBuilder()
    ahead.box((-1.0, -1.0, 3.0), (1.0, 1.0, 5.0), 0)
    scene = ahead.build(None, None)
    assert scene.num_flat == 1, "from the front the rig sees the front alone"
    assert scene.corners[0] == pytest.approx([-1.0, -1.0, 3.0])
    assert scene.edges[0] == pytest.approx(np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))

    around = SceneBuilder()
    around.box((-0.2, -0.2, -0.2), (0.2, 0.2, 0.2), 0)
    assert around.build(None, None).num_flat == 6, "cameras stand off the middle"


def test_the_lid_has_a_look_of_its_own():
    builder = SceneBuilder()
    builder.box((2.0, 1.0, 2.0), (3.0, 2.0, 3.0), 4, top=7, start_m=(0.5, 0.25), brightness=0.8)
    scene = builder.build(None, None)
    is_lid = [bool(np.all(edges[:, 1] == 0.0)) for edges in scene.edges]
    assert sum(is_lid) == 1
    assert [7 if lid else 4 for lid in is_lid] == scene.material_of.tolist()
    assert scene.texture_starts_m == pytest.approx(np.tile([0.5, 0.25], (3, 1)))
    assert scene.brightness == pytest.approx([0.8] * 3)


def test_a_cylinder_stands_on_its_foot_and_follows_the_flat_ones():
    builder = SceneBuilder()
    builder.cylinder((1.0, 2.0, 3.0), 0.25, 4.0, 1, 0.9)
    builder.ellipsoid((0.0, 0.0, 5.0), (1.0, 2.0, 3.0), 2)
    builder.flat((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 0)
    scene = builder.build(None, None)
    assert (scene.num_flat, scene.num_round) == (1, 2)
    assert scene.centres[0] == pytest.approx([1.0, 0.0, 3.0]), "down is positive"
    assert scene.radii_m == pytest.approx(np.array([[0.25, 2.0, 0.25], [1.0, 2.0, 3.0]]))
    assert scene.is_cylinder.tolist() == [True, False]
    assert scene.material_of.tolist() == [0, 1, 2]
    assert scene.brightness == pytest.approx([1.0, 0.9, 1.0])


def test_the_sun_is_a_direction():
    scene = SceneBuilder(sun=(3.0, -4.0, 0.0)).build(None, None)
    assert scene.sun == pytest.approx([0.6, -0.8, 0.0])
    assert (scene.num_flat, scene.num_round, scene.edges.shape) == (0, 0, (0, 2, 3))
