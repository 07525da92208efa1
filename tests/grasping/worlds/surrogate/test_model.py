"""A scene as MuJoCo compiles it: weights, contacts, meanings, lamps, and who is to blame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import Scene, SemanticClass
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.model import SurrogateModel, build_model, plain_look
from tests.support.grasping.surrogate_scenes import scene, write_urdf

NO_TEXTURES = np.zeros((0, 8, 8, 3), np.uint8)
AT_M = (*BIN_CENTRE_M, BIN_FLOOR_M + 0.05)


def cubes(folder: Path, num: int = 1, **changes) -> Scene:
    cube = write_urdf(folder, "cube", '<box size="0.03 0.03 0.03"/>', mass_kg=0.05)
    found = scene([(cube, (AT_M[0], AT_M[1] + 0.05 * i, AT_M[2])) for i in range(num)])
    return replace(found, dynamics=replace(found.dynamics, **changes))


def built(found: Scene, **physics) -> SurrogateModel:
    return build_model(found, PhysicsConfig(**physics), NO_TEXTURES)


def test_an_object_weighs_what_its_file_says_times_its_scale(tmp_path: Path) -> None:
    found = built(cubes(tmp_path, 2, mass_scale=(1.0, 2.0)))
    light, heavy = (found.model.body_mass[body] for body in found.object_bodies)
    assert (light, heavy) == pytest.approx((0.05, 0.1))
    inertia = found.model.body_inertia[found.object_bodies[0]]
    assert inertia == pytest.approx([2e-5] * 3), "as its file says"


def test_friction_and_drag_are_each_objects_own(tmp_path: Path) -> None:
    found = built(cubes(tmp_path, 2, friction=(0.3, 0.8), damping=(0.0, 0.4)))
    model = found.model
    hits = [
        [g for g in range(model.ngeom) if model.geom_bodyid[g] == body and model.geom_contype[g]]
        for body in found.object_bodies
    ]
    assert [model.geom_friction[each[0], 0] for each in hits] == pytest.approx([0.3, 0.8])
    drags = [model.dof_damping[model.body_dofadr[body]] for body in found.object_bodies]
    assert drags == pytest.approx([0.0, 0.4 * 0.05])


def test_pixels_of_each_surface_mean_something(tmp_path: Path) -> None:
    found = built(cubes(tmp_path, 2))
    meaning = {
        found.model.geom(index).name: tuple(int(v) for v in found.meaning[index])
        for index in range(found.model.ngeom)
    }
    assert meaning["table"] == (SemanticClass.BACKGROUND, 0, 0)
    assert meaning["tray"] == (SemanticClass.TRAY, 0, 0)
    assert meaning["object1"] == (SemanticClass.OBJECT, 2, 0)
    assert meaning["arm_palm"][0] == SemanticClass.GRIPPER
    assert meaning["arm_wrist"][0] == SemanticClass.ARM
    named = [found.model.geom(index).name for index in found.finger_geoms]
    assert named == ["finger_a_hit", "finger_b_hit"]


def test_what_falls_comes_to_rest_on_the_floor(tmp_path: Path) -> None:
    found = built(cubes(tmp_path))
    data = mujoco.MjData(found.model)
    mujoco.mj_step(found.model, data, nstep=PhysicsConfig().rate_hz)
    assert data.xpos[found.object_bodies[0]] == pytest.approx(
        [*BIN_CENTRE_M, BIN_FLOOR_M + 0.015], abs=2e-3
    )


@pytest.mark.parametrize("restitution", [0.2, 0.5])
def test_a_contact_gives_back_its_share_of_the_speed(tmp_path: Path, restitution: float) -> None:
    """A damped oscillator leaves after half a period with exp(-pi r / sqrt(1 - r^2))."""
    found = built(cubes(tmp_path, restitution=(restitution,)))
    (hit,) = (
        g
        for g in range(found.model.ngeom)
        if found.model.geom_bodyid[g] == found.object_bodies[0] and found.model.geom_contype[g]
    )
    _, ratio = found.model.geom_solref[hit]
    assert np.exp(-np.pi * ratio / np.sqrt(1 - ratio**2)) == pytest.approx(restitution)


def test_settings_of_the_physics_are_the_models(tmp_path: Path) -> None:
    found = built(cubes(tmp_path), rate_hz=480, solver_iterations=77)
    assert found.model.opt.timestep == pytest.approx(1 / 480)
    assert found.model.opt.iterations == 77


def test_lamps_share_the_light(tmp_path: Path) -> None:
    model = built(cubes(tmp_path)).model
    look = plain_look(1)
    assert list(model.light_castshadow) == [True, False]
    assert model.light_diffuse.sum(axis=0) == pytest.approx([1 - look.ambient] * 3)
    assert model.light_diffuse[0] == pytest.approx([look.shadow_strength * (1 - look.ambient)] * 3)
    assert model.light_ambient.sum(axis=0) == pytest.approx([look.ambient] * 3)


def test_plain_looks_tell_objects_apart() -> None:
    tints = [look.tint for look in plain_look(6).objects]
    assert len(set(tints)) == 6


def test_an_object_that_does_not_compile_is_blamed(tmp_path: Path) -> None:
    sound = write_urdf(tmp_path, "sound", '<box size="0.03 0.03 0.03"/>')
    corners = "v 0 0 0\nv 1e-7 0 0\nv 0 1e-7 0\nv 0 0 1e-7\n"  # as if its unit were wrong
    faces = "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
    (tmp_path / "tiny.obj").write_text(corners + faces)
    tiny = write_urdf(tmp_path, "tiny", '<mesh filename="tiny.obj"/>')
    with pytest.raises(DataError, match=r"object folder/tiny: a mesh of .* can't be simulated"):
        built(scene([(sound, AT_M), (tiny, AT_M)]))
