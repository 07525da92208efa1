"""Visible surfaces weigh nothing, touch nothing, and share materials and textures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.types import SemanticClass
from tasks.grasping.worlds.surrogate.builder import ARM, SEEN, Builder
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import box
from tests.support.grasping.flat_scenes import WHITE, plain_look

CUBE = box([0.02, 0.02, 0.02])
PAINTED = replace(WHITE, texture=1, tint=(0.5, 0.25, 1.0))
IMAGES = np.stack([np.full((8, 4, 3), grey, np.uint8) for grey in (10, 200)])
OBJECT = (SemanticClass.OBJECT, 3, 0)


def builder() -> Builder:
    return Builder(plain_look(), IMAGES)


def test_what_is_seen_neither_weighs_nor_collides() -> None:
    built = builder()
    body = built.spec.worldbody.add_body(name="thing", mass=1.0, inertia=[1, 1, 1])
    body.explicitinertial = True
    built.see(body, "cube", CUBE, WHITE, OBJECT, pos=[0.1, 0.2, 0.3])
    model = built.spec.compile()
    geom = model.geom("cube")
    assert (geom.contype[0], geom.conaffinity[0], geom.group[0]) == (0, 0, SEEN)
    assert model.body("thing").mass[0] == pytest.approx(1.0)
    assert geom.type[0] == mujoco.mjtGeom.mjGEOM_MESH
    assert built.meaning == {"cube": OBJECT}


def test_a_group_of_its_own_is_kept() -> None:
    built = builder()
    built.see(built.spec.worldbody, "link", CUBE, WHITE, OBJECT, group=ARM)
    assert built.spec.compile().geom("link").group[0] == ARM


def test_one_look_is_one_material_and_one_picture_one_texture() -> None:
    built = builder()
    darker = replace(PAINTED, tint=(0.1, 0.1, 0.1))
    for name, look in (("a", PAINTED), ("b", PAINTED), ("c", darker), ("d", WHITE)):
        built.see(built.spec.worldbody, name, CUBE, look, OBJECT)
    model = built.spec.compile()
    materials = [int(model.geom(name).matid[0]) for name in "abcd"]
    assert materials[0] == materials[1]
    assert len(set(materials)) == 3
    assert model.ntex == 1
    assert model.mat_rgba[materials[0]] == pytest.approx([0.5, 0.25, 1.0, 1.0])


def test_a_texture_holds_the_picture() -> None:
    built = builder()
    built.see(built.spec.worldbody, "a", CUBE, PAINTED, OBJECT)
    model = built.spec.compile()
    assert (model.tex_width[0], model.tex_height[0]) == (4, 8)
    assert (np.asarray(model.tex_data)[: 4 * 8 * 3] == 200).all()
