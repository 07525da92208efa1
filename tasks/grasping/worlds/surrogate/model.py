"""Building the surrogate's scene: bin, table, gripper, arm, objects, lights and surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import ByteImage, FloatArray, Look, Scene, SemanticClass, SurfaceLook
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M
from tasks.grasping.worlds.surrogate.arm import TABLE_M
from tasks.grasping.worlds.surrogate.builder import HIDDEN, Builder
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.objects import Body, read_body
from tasks.grasping.worlds.surrogate.robot import add_robot
from tasks.grasping.worlds.surrogate.surfaces import Surface, box, joined

WALL_HEIGHT_M: Final = 0.06
WALL_SEEN_M: Final = 0.012
WALL_DEPTH_M: Final = 0.08  # of what collides, outwards: nothing is pressed through it
SUPERSAMPLING: Final = 2  # pictures are drawn larger and averaged, as a sensor's pixels are

_PLAIN_COLOURS: Final = (
    (0.75, 0.20, 0.18), (0.20, 0.55, 0.25), (0.20, 0.35, 0.75), (0.85, 0.75, 0.20),
    (0.55, 0.25, 0.60), (0.20, 0.60, 0.62),
)  # fmt: skip


@dataclass(frozen=True)
class SurrogateModel:
    """A compiled scene.

    Attributes:
        model: MuJoCo's model.
        meaning: Class, instance and part id of each geometry, (num_geoms, 3).
        object_bodies: MuJoCo's body id of each object, (num_objects,).
        finger_geoms: The colliding geometries of the two fingers.
    """

    model: Any
    meaning: ByteImage
    object_bodies: Any
    finger_geoms: tuple[int, int]


def plain_look(num_objects: int) -> Look:
    """Return the look of a scene that has none of its own."""

    def plain(colour: tuple[float, float, float]) -> SurfaceLook:
        return SurfaceLook(-1, colour, 1.0, 0.0, (0.0, 0.0))

    return Look(
        background=plain((0.55, 0.47, 0.38)),
        tray=plain((0.62, 0.64, 0.66)),
        arm=plain((0.85, 0.45, 0.15)),
        objects=tuple(plain(_PLAIN_COLOURS[i % len(_PLAIN_COLOURS)]) for i in range(num_objects)),
        light_direction=(-0.3, 0.4, 0.866),
        light_colour=(1.0, 1.0, 1.0),
        ambient=0.45,
        shadow_strength=0.8,
        noise_sigma=0.0,
        blur_px=0.0,
        gain=(1.0, 1.0, 1.0),
    )


def build_model(scene: Scene, physics: PhysicsConfig, images: ByteImage) -> SurrogateModel:
    """Compile a scene.

    Args:
        scene: What to build.
        physics: Time step, solver and the gripper's opening.
        images: Textures, (n, side, side, 3), RGB.

    Raises:
        DataError: An object's file can't be used; the message names it.
    """
    bodies = [read_body(placed.model) for placed in scene.objects]
    builder = Builder(scene.look or plain_look(len(bodies)), images)
    _set_options(builder.spec, physics, (scene.camera.width_px, scene.camera.height_px))
    _add_bin(builder)
    add_robot(builder, physics, scene.dynamics.finger_friction)
    for index, body in enumerate(bodies):
        _add_object(builder, scene, index, body)
    _add_lights(builder)
    try:
        model = builder.spec.compile()
    except ValueError as error:
        raise _blame(scene, error) from error
    return _finish(builder, model, scene)


def _set_options(spec: Any, physics: PhysicsConfig, size_px: tuple[int, int]) -> None:
    spec.option.timestep = 1.0 / physics.rate_hz
    spec.option.iterations = physics.solver_iterations
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # Round friction cones, stiff against sliding: with pyramids every third grasp slips.
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    # Objects that nothing touches cost nothing.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP.value
    # As fine as the picture and no finer: half of a picture's cost is its shadows.
    spec.visual.quality.shadowsize = int(np.clip(2 * max(size_px), 64, 1024))
    spec.visual.quality.offsamples = 0
    spec.visual.global_.offwidth = size_px[0] * SUPERSAMPLING
    spec.visual.global_.offheight = size_px[1] * SUPERSAMPLING
    spec.visual.headlight.active = False
    # The shadow map covers a square of this half width about the bin.
    spec.stat.center = [*BIN_CENTRE_M, BIN_FLOOR_M]
    spec.stat.extent = 0.5
    spec.visual.map.shadowclip = 1.0


def _add_bin(builder: Builder) -> None:
    world, look = builder.spec.worldbody, builder.look
    x_m, y_m = BIN_CENTRE_M
    half_x, half_y = BIN_INNER_M[0] / 2, BIN_INNER_M[1] / 2
    background, tray = (SemanticClass.BACKGROUND, 0, 0), (SemanticClass.TRAY, 0, 0)
    table = box([2.0, 2.0, 0.02])
    builder.see(world, "table", table, look.background, background, pos=[0.6, 0, TABLE_M - 0.02])
    floor_m = (BIN_FLOOR_M - TABLE_M) / 2
    floor = box([half_x + WALL_SEEN_M, half_y + WALL_SEEN_M, floor_m]).moved([0, 0, -floor_m])
    # A plane has no underside: a thin pen sank into a floor of 12 mm.
    _block(world, mujoco.mjtGeom.mjGEOM_PLANE, [2.0, 2.0, 0.1], [x_m, y_m, BIN_FLOOR_M])
    walls = []
    for axis, side in ((0, -1), (0, 1), (1, -1), (1, 1)):
        half_m, centre_m = _wall(axis, side, WALL_SEEN_M)
        walls.append(box(half_m).moved(centre_m))
        half_m, centre_m = _wall(axis, side, WALL_DEPTH_M)
        _block(
            world, mujoco.mjtGeom.mjGEOM_BOX, half_m, centre_m + np.array([x_m, y_m, BIN_FLOOR_M])
        )
    seen = joined([floor, *walls])
    builder.see(world, "tray", seen, look.tray, tray, pos=[x_m, y_m, BIN_FLOOR_M])


def _wall(axis: int, side: int, thick_m: float) -> tuple[FloatArray, FloatArray]:
    """Half size and centre of a wall, from the middle of the floor."""
    half_m = np.array([*BIN_INNER_M, WALL_HEIGHT_M]) / 2
    centre_m = np.array([0.0, 0.0, WALL_HEIGHT_M / 2])
    centre_m[axis] = side * (half_m[axis] + thick_m / 2)
    half_m[axis] = thick_m / 2
    half_m[1 - axis] += thick_m
    return half_m, centre_m


def _block(world: Any, kind: Any, half_m: Any, centre_m: Any) -> None:
    world.add_geom(
        type=kind,
        size=half_m,
        pos=centre_m,
        group=HIDDEN,
        contype=0,
        conaffinity=1,
        friction=[0.4, 0.005, 0.0001],
    )


def _add_object(builder: Builder, scene: Scene, index: int, body: Body) -> None:
    placed, look = scene.objects[index], builder.look.objects[index]
    dynamics = scene.dynamics
    mass_scale = dynamics.mass_scale[index]
    parent = builder.spec.worldbody.add_body(
        name=f"object{index}",
        pos=placed.position_m,
        mass=body.mass_kg * mass_scale,
        ipos=body.centre_m,
        iquat=body.axes_wxyz,
        inertia=body.moments_kgm2 * mass_scale,
        explicitinertial=True,
    )
    parent.add_freejoint()
    hit = {
        "contype": 1,
        "conaffinity": 1,
        "friction": [dynamics.friction[index], 0.005, 0.0001],
        "solref": _solref(dynamics.restitution[index], builder.spec.option.timestep),
    }
    meaning = (SemanticClass.OBJECT, 1 + index, 0)
    builder.see(parent, f"object{index}", body.surface, look, meaning)
    for number, piece in enumerate(body.pieces):
        at: dict[str, Any] = {"pos": piece.position_m, "quat": piece.quaternion_wxyz}
        if piece.is_mesh:
            at["meshname"] = f"object{index}_{number}"
            _add_piece(builder.spec, at["meshname"], piece.surface)
        parent.add_geom(type=piece.kind, size=piece.size_m, group=HIDDEN, **at, **hit)


def _add_piece(spec: Any, name: str, surface: Surface) -> None:
    spec.add_mesh(
        name=name,
        uservert=surface.vertices_m.ravel(),
        userface=surface.faces.ravel(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
    )


def _solref(restitution: float, step_s: float) -> list[float]:
    """Time constant and damping ratio of a contact; a damped oscillator's rebound gives the latter.

    After half a period a mass on a spring with damping ratio r leaves with
    exp(-pi r / sqrt(1 - r^2)) of its speed.
    """
    if restitution <= 0:
        return [max(0.01, 2 * step_s), 1.0]
    log = np.log(restitution)
    return [max(0.01, 2 * step_s), float(-log / np.hypot(np.pi, log))]


def _add_lights(builder: Builder) -> None:
    """Add the lamp, split into a part that casts shadows and one that doesn't.

    The light from everywhere comes with the latter: MuJoCo takes a lamp's ambient light away
    in its shadow too.
    """
    look = builder.look
    towards = np.array(look.light_direction) / np.linalg.norm(look.light_direction)
    colour = np.array(look.light_colour)
    position_m = np.array([*BIN_CENTRE_M, BIN_FLOOR_M]) + 1.2 * towards
    for casts, share in ((True, look.shadow_strength), (False, 1.0 - look.shadow_strength)):
        builder.spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=position_m,
            dir=-towards,
            castshadow=casts,
            diffuse=share * (1.0 - look.ambient) * colour,
            ambient=(not casts) * look.ambient * colour,
            specular=share * 0.3 * colour,
        )


def _finish(builder: Builder, model: Any, scene: Scene) -> SurrogateModel:
    meaning = np.zeros((model.ngeom, 3), dtype=np.uint8)
    for name, kind in builder.meaning.items():
        meaning[model.geom(name).id] = kind
    ids = np.array([model.body(f"object{i}").id for i in range(len(scene.objects))], dtype=np.int64)
    for body_id, drag in zip(ids, scene.dynamics.damping, strict=True):
        first = model.body_dofadr[body_id]
        model.dof_damping[first : first + 3] = drag * model.body_mass[body_id]
        model.dof_damping[first + 3 : first + 6] = drag * model.body_inertia[body_id].mean()
    mujoco.mj_setConst(model, mujoco.MjData(model))
    fingers = (model.geom("finger_a_hit").id, model.geom("finger_b_hit").id)
    return SurrogateModel(model, meaning, ids, fingers)


def _blame(scene: Scene, error: ValueError) -> DataError:
    """Find the object that doesn't compile."""
    for placed in scene.objects:
        spec = mujoco.MjSpec()
        for number, piece in enumerate(read_body(placed.model).pieces):
            if piece.is_mesh:
                _add_piece(spec, f"piece {number}", piece.surface)
                spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"piece {number}")
        try:
            spec.compile()
        except ValueError as fault:
            model = placed.model
            return DataError(
                f"object {model.object_id}: a mesh of {model.path} can't be simulated: {fault}"
            )
    return DataError(f"scene {scene.scene_id} can't be simulated: {error}")
