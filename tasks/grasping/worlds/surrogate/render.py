"""Pictures and masks of a surrogate scene, by MuJoCo's OpenGL renderer in software."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.types import ByteImage, Camera, Float32Array, Rendering
from tasks.grasping.worlds.surrogate.builder import ARM, HIDDEN
from tasks.grasping.worlds.surrogate.engine import mujoco, rendering_context
from tasks.grasping.worlds.surrogate.model import SUPERSAMPLING, SurrogateModel

_NEAR_M: Final = 0.05
_FAR_M: Final = 12.0
_BY_NUMBER: Final = [
    mujoco.mjtRndFlag.mjRND_SEGMENT.value,
    mujoco.mjtRndFlag.mjRND_IDCOLOR.value,
]


class SceneRenderer:
    """Draws one scene; the OpenGL context behind it is shared by all scenes of a process."""

    def __init__(self, built: SurrogateModel, camera: Camera, g_buffers: bool) -> None:
        if abs(camera.fx_px / camera.fy_px - 1) > 1e-6:
            raise DataError(
                f"the surrogate's renderer has square pixels: fx {camera.fx_px:g} and "
                f"fy {camera.fy_px:g} px must agree"
            )
        rendering_context().make_current()
        self._built, self._camera, self._g_buffers = built, camera, g_buffers
        self._context = mujoco.MjrContext(built.model, mujoco.mjtFontScale.mjFONTSCALE_50.value)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._scene = mujoco.MjvScene(built.model, maxgeom=built.model.ngeom + 16)
        self._option, self._anywhere = mujoco.MjvOption(), mujoco.MjvCamera()
        self._option.geomgroup[HIDDEN] = 0
        self._meanings: dict[bool, ByteImage] = {}

    def render(self, data: Any, with_arm: bool) -> Rendering:
        """Draw the scene as an ideal pinhole camera without noise sees it."""
        self._update(data, with_arm)
        rgb = self._draw()
        ids, depth_m = self._draw_ids(with_arm)
        return Rendering(
            camera=self._camera,
            rgb=rgb,
            class_ids=ids[..., 0].copy(),
            instance_ids=ids[..., 1].copy(),
            part_ids=ids[..., 2].copy(),
            depth_m=depth_m,
            shading=self._draw_white(data, with_arm) if self._g_buffers else None,
        )

    def close(self) -> None:
        """Give textures and buffers back to the context."""
        rendering_context().make_current()
        self._context.free()

    def _update(self, data: Any, with_arm: bool) -> None:
        self._option.geomgroup[ARM] = with_arm
        mujoco.mjv_updateScene(
            self._built.model,
            data,
            self._option,
            None,
            self._anywhere,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            self._scene,
        )
        for eye in self._scene.camera:
            _aim(eye, self._camera)

    def _draw(self) -> ByteImage:
        size = (self._camera.width_px, self._camera.height_px)
        rect = mujoco.MjrRect(0, 0, size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
        large = np.empty((rect.height, rect.width, 3), dtype=np.uint8)
        mujoco.mjr_render(rect, self._scene, self._context)
        mujoco.mjr_readPixels(large, None, rect, self._context)
        rgb = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(rgb[::-1])

    def _draw_ids(self, with_arm: bool) -> tuple[ByteImage, Float32Array | None]:
        """Return class, instance and part of each pixel, (h, w, 3), and its depth, (h, w)."""
        rect = mujoco.MjrRect(0, 0, self._camera.width_px, self._camera.height_px)
        colour = np.empty((rect.height, rect.width, 3), dtype=np.uint8)
        depth = np.empty((rect.height, rect.width), dtype=np.float32)
        self._scene.flags[_BY_NUMBER] = 1
        mujoco.mjr_render(rect, self._scene, self._context)
        self._scene.flags[_BY_NUMBER] = 0
        mujoco.mjr_readPixels(colour, depth if self._g_buffers else None, rect, self._context)
        numbers = colour[::-1].astype(np.int32) @ np.array([1, 256, 65536], dtype=np.int32)
        return self._meaning(with_arm)[numbers], _metres(depth[::-1]) if self._g_buffers else None

    def _meaning(self, with_arm: bool) -> ByteImage:
        """Class, instance and part by drawn number; 0 is where nothing was drawn."""
        if with_arm not in self._meanings:
            table = np.zeros((self._scene.ngeom + 1, 3), dtype=np.uint8)
            for drawn in self._scene.geoms[: self._scene.ngeom]:
                table[drawn.segid + 1] = self._built.meaning[drawn.objid]
            self._meanings[with_arm] = table
        return self._meanings[with_arm]

    def _draw_white(self, data: Any, with_arm: bool) -> ByteImage:
        """Draw all surfaces white, so that the lights alone are seen."""
        colours = self._built.model.mat_rgba.copy()
        textured = mujoco.mjtVisFlag.mjVIS_TEXTURE
        self._built.model.mat_rgba[:] = 1.0
        self._option.flags[textured] = 0
        try:
            self._update(data, with_arm)
            return np.asarray(cv2.cvtColor(self._draw(), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        finally:
            self._built.model.mat_rgba[:] = colours
            self._option.flags[textured] = 1


def _aim(eye: Any, camera: Camera) -> None:
    """Give OpenGL's camera the pose and the intrinsics of ours.

    The picture reaches half a pixel beyond the centres of its outermost pixels.
    """
    rotation, shift_m = camera.camera_from_base[:3, :3], camera.camera_from_base[:3, 3]
    eye.pos = -rotation.T @ shift_m
    eye.forward = rotation[2]
    eye.up = -rotation[1]
    scale = _NEAR_M / camera.fy_px
    eye.frustum_near, eye.frustum_far = _NEAR_M, _FAR_M
    eye.frustum_top = (camera.cy_px + 0.5) * scale
    eye.frustum_bottom = (camera.cy_px + 0.5 - camera.height_px) * scale
    eye.frustum_center = (camera.width_px / 2 - 0.5 - camera.cx_px) * scale
    eye.frustum_width = camera.width_px / 2 * scale


def _metres(depth: Float32Array) -> Float32Array:
    """Turn the depth buffer, 1 at the near plane and 0 at the far one, into metres."""
    inverse = depth * np.float32(1 / _NEAR_M - 1 / _FAR_M) + np.float32(1 / _FAR_M)
    return np.where(depth > 0, 1 / inverse, np.float32(np.inf)).astype(np.float32)
