"""Bin and objects in PyBullet: their bodies, their physical properties and how they settle."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pybullet
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.grasping.objects.urdf import read_link
from tasks.grasping.types import Dynamics, FloatArray, ObjectState, PlacedObject
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M
from tasks.grasping.worlds.bullet.gripper import add_nothing_to_see

# After pybullet_data's tray: walls that lean outwards and end 12 cm above the floor.
_WALL_LEAN_RAD: Final = 0.5755
_WALL_LENGTH_M: Final = 0.15
_WALL_THICKNESS_M: Final = 0.02
_FLOOR_THICKNESS_M: Final = 0.05  # thick, lest a falling thin object sink into it
_OUTSIDE_M: Final = 0.1  # what lies this far below the floor fell past the bin
_BIN_FRICTION: Final = 0.7
_ROLLING_M: Final = 0.001  # of objects on each other and on the bin, rolling and spinning

_GRAVITY_M_S2: Final = -9.81
SETTLE_HZ: Final = 120
SETTLE_ITERATIONS: Final = 20
_SETTLE_RESIDUAL: Final = 1e-7
_SETTLE_S: Final = 2.5
_SETTLE_CHECK_S: Final = 0.1
_REST_M_S: Final = 0.01
_REST_RAD_S: Final = 0.1
# Then as finely as anything is computed: what rests for a coarse solver may creep for a fine one.
_REST_HZ: Final = 240
_REST_ITERATIONS: Final = 150
_REST_S: Final = 2.0
_TRUE_REST_M_S: Final = 1e-3
_TRUE_REST_RAD_S: Final = 2e-2

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Place = tuple[Vector, Quaternion]
_SAME_RAD: Final = 1e-9


@dataclass(frozen=True)
class InertialFrame:
    """Where PyBullet's frame of an object, about which it turns, sits in the object's link.

    Attributes:
        centre_m: Centre of mass, (3,).
        turn: Rotation from the frame of principal axes into the link's.
    """

    centre_m: FloatArray
    turn: Rotation

    def link_place(self, place: Place) -> Place:
        """Return where the link is while this frame is at a place."""
        if self.turn.magnitude() < _SAME_RAD and not self.centre_m.any():
            return place
        position_m, quaternion = place
        link = Rotation.from_quat(quaternion) * self.turn.inv()
        x, y, z = (np.array(position_m) - link.apply(self.centre_m)).tolist()
        qx, qy, qz, qw = link.as_quat().tolist()
        return (x, y, z), (qx, qy, qz, qw)


def bin_boxes() -> list[tuple[Vector, Vector, Quaternion]]:
    """Floor and walls: half edges, centre in the base frame and orientation of each box."""
    x, y = BIN_CENTRE_M
    reach = _WALL_LENGTH_M * np.sin(_WALL_LEAN_RAD)
    half_x, half_y = BIN_INNER_M[0] / 2 + reach, BIN_INNER_M[1] / 2 + reach
    thick = _FLOOR_THICKNESS_M / 2
    boxes: list[tuple[Vector, Vector, Quaternion]] = [
        ((half_x, half_y, thick), (x, y, BIN_FLOOR_M - thick), (0.0, 0.0, 0.0, 1.0))
    ]
    along, across = _WALL_LENGTH_M / 2, _WALL_THICKNESS_M / 2
    # From the wall's foot on the floor half its length up and half its thickness out.
    out = along * np.sin(_WALL_LEAN_RAD) + across * np.cos(_WALL_LEAN_RAD)
    height = BIN_FLOOR_M + along * np.cos(_WALL_LEAN_RAD) - across * np.sin(_WALL_LEAN_RAD)
    for sign in (1, -1):
        lean = sign * _WALL_LEAN_RAD
        boxes.append(
            (
                (across, half_y, along),
                (x + sign * (BIN_INNER_M[0] / 2 + out), y, height),
                _quaternion(0, lean),
            )
        )
        boxes.append(
            (
                (half_x, across, along),
                (x, y + sign * (BIN_INNER_M[1] / 2 + out), height),
                _quaternion(-lean, 0),
            )
        )
    return boxes


def start_engine(client: int) -> None:
    """Empty the engine: what was simulated before would show in the order of contacts."""
    pybullet.resetSimulation(physicsClientId=client)
    pybullet.setPhysicsEngineParameter(deterministicOverlappingPairs=1, physicsClientId=client)
    pybullet.setGravity(0, 0, _GRAVITY_M_S2, physicsClientId=client)


def set_engine(client: int, rate_hz: int, solver_iterations: int, residual: float) -> None:
    """Set how finely the engine computes.

    Args:
        client: PyBullet client.
        rate_hz: Steps per second.
        solver_iterations: Iterations of the contact solver per step, at most.
        residual: It stops where an iteration changes less (squared impulses).
    """
    pybullet.setPhysicsEngineParameter(
        fixedTimeStep=1 / rate_hz,
        numSolverIterations=solver_iterations,
        solverResidualThreshold=residual,
        minimumSolverIslandSize=1,  # what does not touch is solved apart, and so sooner
        physicsClientId=client,
    )


def add_bin(client: int) -> tuple[int, ...]:
    """Create the bin's bodies, for collisions alone.

    The floor is a plane: it is the fastest to test against, and nothing sinks through it. The
    walls are bodies of their own so that only objects beside them are tested.
    """
    plane = pybullet.createCollisionShape(
        pybullet.GEOM_PLANE, planeNormal=[0, 0, 1], physicsClientId=client
    )
    bodies = [_fixed(client, plane, (0.0, 0.0, BIN_FLOOR_M), (0.0, 0.0, 0.0, 1.0))]
    for half, centre, quaternion in bin_boxes()[1:]:
        wall = pybullet.createCollisionShape(
            pybullet.GEOM_BOX, halfExtents=half, physicsClientId=client
        )
        bodies.append(_fixed(client, wall, centre, quaternion))
    return tuple(bodies)


def add_objects(
    client: int, objects: Sequence[PlacedObject], dynamics: Dynamics
) -> tuple[int, ...]:
    """Load the objects where they are let go, at rest.

    Raises:
        DataError: A model can't be loaded.
    """
    bodies = []
    for index, placed in enumerate(objects):
        body = _load(client, placed)
        set_dynamics(client, body, dynamics, index)
        bodies.append(body)
    return tuple(bodies)


def inertial_frames(
    client: int, objects: Sequence[PlacedObject], bodies: Sequence[int]
) -> tuple[InertialFrame, ...]:
    """Find the frames that PyBullet tells the poses of, while objects are where they were put.

    For these bodies `getDynamicsInfo` doesn't know them.
    """
    found = []
    for placed, body in zip(objects, bodies, strict=True):
        _, quaternion = pybullet.getBasePositionAndOrientation(body, physicsClientId=client)
        turn = Rotation.from_quat(placed.quaternion_xyzw).inv() * Rotation.from_quat(quaternion)
        found.append(InertialFrame(_centre_m(placed.model.path), turn))
    return tuple(found)


def set_dynamics(client: int, body: int, dynamics: Dynamics, index: int) -> None:
    """Give one object its mass, friction, restitution and damping."""
    info = pybullet.getDynamicsInfo(body, -1, physicsClientId=client)
    scale = dynamics.mass_scale[index]
    pybullet.changeDynamics(
        body,
        -1,
        mass=info[0] * scale,
        localInertiaDiagonal=[value * scale for value in info[2]],
        lateralFriction=dynamics.friction[index],
        rollingFriction=_ROLLING_M,
        spinningFriction=_ROLLING_M,
        restitution=dynamics.restitution[index],
        linearDamping=dynamics.damping[index],
        angularDamping=dynamics.damping[index],
        physicsClientId=client,
    )


def settle(client: int, bodies: Sequence[int]) -> None:
    """Let the objects fall and come to rest, for a fixed time at most, then stop them."""
    set_engine(client, SETTLE_HZ, SETTLE_ITERATIONS, _SETTLE_RESIDUAL)
    _wait_for_rest(client, bodies, SETTLE_HZ, _SETTLE_S, (_REST_M_S, _REST_RAD_S))
    for body in bodies:
        pybullet.changeDynamics(
            body,
            -1,
            activationState=pybullet.ACTIVATION_STATE_WAKE_UP,
            physicsClientId=client,
        )
    set_engine(client, _REST_HZ, _REST_ITERATIONS, _SETTLE_RESIDUAL)
    _wait_for_rest(client, bodies, _REST_HZ, _REST_S, (_TRUE_REST_M_S, _TRUE_REST_RAD_S))
    for body in bodies:
        pybullet.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=client)


def _wait_for_rest(
    client: int, bodies: Sequence[int], rate_hz: int, most_s: float, rest: tuple[float, float]
) -> None:
    """Step until all objects move and turn slower than (m/s, rad/s), or for some seconds."""
    for _ in range(round(most_s / _SETTLE_CHECK_S)):
        for _ in range(round(_SETTLE_CHECK_S * rate_hz)):
            pybullet.stepSimulation(physicsClientId=client)
        if all(_is_at_rest(client, body, *rest) for body in bodies):
            break


def send_to_sleep(client: int, bodies: Sequence[int]) -> None:
    """Leave bodies out of the simulation until something that moves comes near them.

    The bin must sleep too: the engine tests a pair for contact while either is awake.
    """
    for body in bodies:
        pybullet.changeDynamics(
            body,
            -1,
            activationState=pybullet.ACTIVATION_STATE_ENABLE_SLEEPING
            | pybullet.ACTIVATION_STATE_SLEEP,
            physicsClientId=client,
        )


def places(client: int, bodies: Sequence[int]) -> tuple[Place, ...]:
    """Where the objects' inertial frames are, to `put_back`."""
    return tuple(
        pybullet.getBasePositionAndOrientation(body, physicsClientId=client) for body in bodies
    )


def put_back(client: int, bodies: Sequence[int], where: Sequence[Place]) -> None:
    """Put objects where they lay, at rest, as if nothing had ever touched them."""
    for body, (position_m, quaternion) in zip(bodies, where, strict=True):
        pybullet.resetBasePositionAndOrientation(
            body, position_m, quaternion, physicsClientId=client
        )
        pybullet.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=client)


def forget_contacts(client: int, links: Sequence[tuple[int, int]]) -> None:
    """Drop what the engine remembers of contacts between links, given as (body, link).

    It keeps the forces of the last step to start the next one from, tests pairs of bodies for a
    while after they parted, and works in the order in which pairs were found; all would let one
    attempt show in the next. Setting a collision filter makes the engine register a link anew.
    First no link may touch another, so that no pair is found with one that is yet to come. In a
    step meanwhile the engine works out each body's inertia about the world's axes, which it doesn't
    when the body is put somewhere; so put it there again.
    """
    for group, mask in ((0, 0), (1, -1)):
        for body, link in links:
            pybullet.setCollisionFilterGroupMask(body, link, group, mask, physicsClientId=client)
        if not mask:
            pybullet.stepSimulation(physicsClientId=client)


def states(
    client: int, bodies: Sequence[int], frames: Sequence[InertialFrame]
) -> tuple[ObjectState, ...]:
    """Where the objects are."""
    return tuple(
        _state(place, frame) for place, frame in zip(places(client, bodies), frames, strict=True)
    )


def heights_m(client: int, bodies: Sequence[int]) -> FloatArray:
    """Heights of the objects' centres of mass, (n,)."""
    return np.array(
        [
            pybullet.getBasePositionAndOrientation(body, physicsClientId=client)[0][2]
            for body in bodies
        ]
    )


def _fixed(client: int, shape: int, position_m: Vector, quaternion_xyzw: Quaternion) -> int:
    body = pybullet.createMultiBody(
        0,
        shape,
        add_nothing_to_see(client),
        position_m,
        quaternion_xyzw,
        useMaximalCoordinates=True,
        physicsClientId=client,
    )
    pybullet.changeDynamics(body, -1, lateralFriction=_BIN_FRICTION, physicsClientId=client)
    return int(body)


def _state(place: Place, frame: InertialFrame) -> ObjectState:
    (x, y, z), _ = place
    slope = max(0.0, z - BIN_FLOOR_M) * np.tan(_WALL_LEAN_RAD)
    is_in_bin = (
        abs(x - BIN_CENTRE_M[0]) <= BIN_INNER_M[0] / 2 + slope
        and abs(y - BIN_CENTRE_M[1]) <= BIN_INNER_M[1] / 2 + slope
        and BIN_FLOOR_M - _OUTSIDE_M / 10 < z < BIN_FLOOR_M + 2 * _WALL_LENGTH_M
    )
    return ObjectState(*frame.link_place(place), (x, y, z), bool(is_in_bin))


def _is_at_rest(client: int, body: int, rest_m_s: float, rest_rad_s: float) -> bool:
    position, _ = pybullet.getBasePositionAndOrientation(body, physicsClientId=client)
    if position[2] < BIN_FLOOR_M - _OUTSIDE_M:
        return True
    linear, angular = pybullet.getBaseVelocity(body, physicsClientId=client)
    return bool(np.linalg.norm(linear) < rest_m_s and np.linalg.norm(angular) < rest_rad_s)


@lru_cache(maxsize=4096)
def _centre_m(path: str) -> FloatArray:
    """Centre of mass in the link's frame, as a model's file says, (3,)."""
    return read_link(Path(path)).inertial.xyz_m


def _load(client: int, placed: PlacedObject) -> int:
    path, turn = placed.model.path, Rotation.from_quat(placed.quaternion_xyzw)
    flags = pybullet.URDF_USE_INERTIA_FROM_FILE if placed.model.has_true_inertia else 0
    try:
        centre_m = _centre_m(path)
        with _quiet():
            body = pybullet.loadURDF(
                path,
                (np.array(placed.position_m) - turn.apply(centre_m)).tolist(),
                placed.quaternion_xyzw,
                useMaximalCoordinates=True,
                flags=flags,
                physicsClientId=client,
            )
    except (pybullet.error, DataError) as error:
        raise DataError(
            f"{path}: expected a URDF model with its meshes for {placed.model.object_id!r}, "
            f"PyBullet can't load it: {error}"
        ) from error
    return int(body)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence PyBullet, which prints its complaints to the C standard output."""
    kept = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nothing)
        os.close(kept)


def _quaternion(roll: float, pitch: float) -> Quaternion:
    x, y, z, w = pybullet.getQuaternionFromEuler([roll, pitch, 0])
    return x, y, z, w
