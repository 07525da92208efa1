"""Renderer of a PyBullet scene, put together from three layers: backdrop, objects, arm.

Each layer has its own engine and is drawn only when it changed: the backdrop when the camera
moves, the objects when one of them does, the arm for each picture. Whatever is nearer covers
the rest, so the picture is the same as if all had been drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pybullet
from scipy.spatial.transform import Rotation

from tasks.grasping.looks.lens import pixel_rays
from tasks.grasping.looks.lighting import direct_light, lit
from tasks.grasping.types import (
    ByteImage,
    Camera,
    FloatArray,
    GripperPose,
    Look,
    Rendering,
    SemanticClass,
    SurfaceLook,
)
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tasks.grasping.worlds.bullet.arm import Part, Robot
from tasks.grasping.worlds.bullet.bin import bin_boxes
from tasks.grasping.worlds.bullet.camera import LIGHT_DIRECTION, Layer, render
from tasks.grasping.worlds.bullet.meshes import simplify

_CELL_SHARE_OF_PIXEL: Final = 1.8  # detail of the arm's surface, of what a pixel covers
_CELL_M: Final = (0.003, 0.02)
_FINGER_CELL_M: Final = 0.004
_ARM_DISTANCE_M: Final = 1.1
_BIN_RGBA: Final = (0.62, 0.52, 0.40, 1.0)
_TABLE_RGBA: Final = (0.35, 0.37, 0.40, 1.0)
_TABLE_HALF_M: Final = (1.0, 1.0, 0.05)
_MOVED_M: Final = 1e-4  # what no picture shows
_MOVED_COS: Final = 1e-6  # 1 - cos of half the angle: 0.16 degrees
_GREY: Final = SurfaceLook(-1, (1.0, 1.0, 1.0), 1.0, 0.0, (0.0, 0.0))
_PLAIN: Final = Look(
    *(_GREY, _GREY, _GREY, ()),
    light_direction=LIGHT_DIRECTION,
    light_colour=(1.0, 1.0, 1.0),
    ambient=0.4,
    shadow_strength=0.6,
    noise_sigma=0.0,
    blur_px=0.0,
    gain=(1.0, 1.0, 1.0),
)


@dataclass(frozen=True)
class _Drawn:
    layer: Layer
    poses: FloatArray


class Renderer:
    """Draws scenes.

    Args:
        robot: Arm and gripper.
        size_px: Width of the pictures, for the detail that they can show.
        view_deg: Their field of view.
    """

    def __init__(self, robot: Robot, size_px: int, view_deg: float) -> None:
        self._robot = robot
        pixel_m = 2 * _ARM_DISTANCE_M * np.tan(np.radians(view_deg) / 2) / size_px
        cell_m = float(np.clip(_CELL_SHARE_OF_PIXEL * pixel_m, *_CELL_M))
        self._backdrop = pybullet.connect(pybullet.DIRECT)
        _add_backdrop(self._backdrop)
        self._arm = pybullet.connect(pybullet.DIRECT)
        self._parts = [_add_part(self._arm, part, cell_m) for part in robot.parts]
        self._backdrops: tuple[bytes, Layer] | None = None
        self._objects: _Drawn | None = None

    def close(self) -> None:
        """Give the engines back."""
        for client in (self._backdrop, self._arm):
            pybullet.disconnect(client)

    def forget(self) -> None:
        """Tell that another scene begins."""
        self._objects = None

    def without_arm(self, camera: Camera, client: int, bodies: Sequence[int]) -> Rendering:
        """What the camera sees of the bin and of the objects in a client."""
        return self._rendering(camera, self._still(camera, client, bodies), bodies)

    def with_arm(
        self,
        camera: Camera,
        client: int,
        bodies: Sequence[int],
        pose: GripperPose,
        angle_rad: float,
    ) -> Rendering:
        """The same with the arm where the gripper's pose puts it."""
        frames = self._robot.frames(pose, angle_rad)
        quaternions = Rotation.from_matrix(frames[:, :3, :3]).as_quat()
        for body, frame, quaternion in zip(self._parts, frames, quaternions, strict=True):
            pybullet.resetBasePositionAndOrientation(
                body, frame[:3, 3].tolist(), quaternion.tolist(), physicsClientId=self._arm
            )
        arm = render(self._arm, camera)
        is_arm = arm.bodies >= 0
        parts = np.full_like(arm.bodies, -1)
        parts[is_arm] = np.searchsorted(self._parts, arm.bodies[is_arm])
        arm = Layer(arm.rgb, arm.depth_m, np.where(is_arm, -2 - parts, -1), arm.links)
        return self._rendering(camera, self._still(camera, client, bodies).under(arm), bodies)

    def _still(self, camera: Camera, client: int, bodies: Sequence[int]) -> Layer:
        """Backdrop and objects; drawn anew only when something moved."""
        poses = _poses(client, bodies)
        if self._objects is None or _has_moved(self._objects.poses, poses):
            layer = self._backdrop_layer(camera).under(render(client, camera))
            self._objects = _Drawn(layer, poses)
        return self._objects.layer

    def _backdrop_layer(self, camera: Camera) -> Layer:
        """The empty bin; its bodies are numbered down from -1000 so that objects keep theirs."""
        key = repr((camera, camera.camera_from_base.tolist())).encode()
        if self._backdrops is None or self._backdrops[0] != key:
            layer = render(self._backdrop, camera)
            bodies = np.where(layer.bodies < 0, -1, -1000 - layer.bodies)
            self._backdrops = (key, Layer(layer.rgb, layer.depth_m, bodies, layer.links))
        return self._backdrops[1]

    def _rendering(self, camera: Camera, layer: Layer, bodies: Sequence[int]) -> Rendering:
        kinds = layer.bodies
        is_part = (kinds <= -2) & (kinds > -1000)
        parts = np.where(is_part, -1 - kinds, 0)
        instances = np.zeros(kinds.shape, np.uint8)
        for index, body in enumerate(bodies):
            instances[kinds == body] = index + 1
        grips = np.array([False] + [part.is_gripper for part in self._robot.parts])
        classes = np.full(kinds.shape, SemanticClass.BACKGROUND, np.uint8)
        classes[kinds < -1000] = SemanticClass.TRAY
        classes[instances > 0] = SemanticClass.OBJECT
        classes[is_part] = np.where(grips[parts[is_part]], SemanticClass.GRIPPER, SemanticClass.ARM)
        return Rendering(
            camera, layer.rgb, classes, instances, parts.astype(np.uint8), layer.depth_m
        )


def shading(rendering: Rendering, look: Look | None) -> ByteImage:
    """What the lamps make of a white surface, (h, w); from the rendering's depth.

    Args:
        rendering: With depth, bent by the camera's lens.
        look: The lamps; None for those of the plain look.
    """
    if rendering.depth_m is None:
        raise ValueError("expected a rendering with depth")
    lamps = look or _PLAIN
    rays = pixel_rays(rendering.camera, is_distorted=True)
    inverse = np.divide(1, rendering.depth_m, dtype=np.float32)
    light = lit(direct_light(inverse, rays, rendering.camera, lamps), lamps)
    return np.asarray(np.clip(light.mean(axis=2) * 255, 0, 255), np.uint8)


def _add_backdrop(client: int) -> None:
    """A table, and the bin on it."""
    x, y = BIN_CENTRE_M
    table = pybullet.createVisualShape(
        pybullet.GEOM_BOX,
        halfExtents=_TABLE_HALF_M,
        rgbaColor=_TABLE_RGBA,
        physicsClientId=client,
    )
    below = bin_boxes()[0][0][2] * 2 + _TABLE_HALF_M[2] + 0.001
    pybullet.createMultiBody(0, -1, table, [x, y, BIN_FLOOR_M - below], physicsClientId=client)
    for half, centre, quaternion in bin_boxes():
        shape = pybullet.createVisualShape(
            pybullet.GEOM_BOX, halfExtents=half, rgbaColor=_BIN_RGBA, physicsClientId=client
        )
        pybullet.createMultiBody(0, -1, shape, centre, quaternion, physicsClientId=client)


def _add_part(client: int, part: Part, cell_m: float) -> int:
    mesh = simplify(part.triangles_m, _FINGER_CELL_M if part.is_gripper else cell_m)
    shape = pybullet.createVisualShape(
        pybullet.GEOM_MESH,
        vertices=mesh.vertices_m.tolist(),
        indices=mesh.faces.reshape(-1).tolist(),
        normals=mesh.normals.tolist(),
        rgbaColor=part.rgba,
        physicsClientId=client,
    )
    return int(pybullet.createMultiBody(0, -1, shape, physicsClientId=client))


def _poses(client: int, bodies: Sequence[int]) -> FloatArray:
    """Position and quaternion of each object, (n, 7)."""
    rows = [pybullet.getBasePositionAndOrientation(b, physicsClientId=client) for b in bodies]
    return np.array([[*position, *quaternion] for position, quaternion in rows]).reshape(-1, 7)


def _has_moved(before: FloatArray, after: FloatArray) -> bool:
    shift = np.abs(after[:, :3] - before[:, :3]).max(initial=0.0)
    turn = 1 - np.abs((after[:, 3:] * before[:, 3:]).sum(1)).min(initial=1.0)
    return bool(shift > _MOVED_M or turn > _MOVED_COS)
