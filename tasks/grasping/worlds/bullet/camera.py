"""Pictures of PyBullet's TinyRenderer through any pinhole camera, laid over each other by depth.

Frame legend: h, w height and width of the picture in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pybullet

from tasks.grasping.types import ByteImage, Camera, Float32Array, FloatArray

NEAR_M: Final = 0.1
FAR_M: Final = 4.0
LIGHT_DIRECTION: Final = (0.419, -0.349, 0.838)  # of the plain look: from behind the camera
_GL_FROM_CAMERA: Final = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenGL looks along -z, y up
# TinyRenderer samples a pixel at its lower left corner, not at its centre.
_SAMPLE_SHIFT_PX: Final = (-0.5, 0.5)
_LINK_SHIFT: Final = 24  # PyBullet packs body + (link + 1) << 24 into a mask's pixel

IntImage = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Layer:
    """What one engine draws; pixels where it draws nothing have depth infinity and body -1.

    Attributes:
        rgb: (h, w, 3).
        depth_m: Along the optical axis, (h, w).
        bodies: Index of the body, (h, w).
        links: Index of the link, -1 for a base, (h, w).
    """

    rgb: ByteImage
    depth_m: Float32Array
    bodies: IntImage
    links: IntImage

    def under(self, top: Layer) -> Layer:
        """Return both, each pixel from the nearer; equal depths show the top."""
        is_top = top.depth_m <= self.depth_m
        return Layer(
            np.where(is_top[..., None], top.rgb, self.rgb),
            np.where(is_top, top.depth_m, self.depth_m),
            np.where(is_top, top.bodies, self.bodies),
            np.where(is_top, top.links, self.links),
        )


def view_matrix(camera: Camera) -> FloatArray:
    """OpenGL's view matrix, (4, 4)."""
    return np.asarray(_GL_FROM_CAMERA @ camera.camera_from_base)


def projection_matrix(camera: Camera) -> FloatArray:
    """OpenGL's projection matrix of a pinhole for TinyRenderer, (4, 4)."""
    width, height = camera.width_px, camera.height_px
    centre_x = camera.cx_px + 0.5 + _SAMPLE_SHIFT_PX[0]
    centre_y = camera.cy_px + 0.5 + _SAMPLE_SHIFT_PX[1]
    depth = FAR_M - NEAR_M
    return np.array(
        [
            [2 * camera.fx_px / width, 0, 1 - 2 * centre_x / width, 0],
            [0, 2 * camera.fy_px / height, 2 * centre_y / height - 1, 0],
            [0, 0, -(FAR_M + NEAR_M) / depth, -2 * FAR_M * NEAR_M / depth],
            [0, 0, -1, 0],
        ]
    )


def project(camera: Camera, points_m: FloatArray) -> FloatArray:
    """Where points of the base frame, (n, 3), are seen: pixels, (n, 2); no lens distortion."""
    rotation, shift = camera.camera_from_base[:3, :3], camera.camera_from_base[:3, 3]
    x, y, z = (points_m @ rotation.T + shift).T
    return np.stack(
        [camera.fx_px * x / z + camera.cx_px, camera.fy_px * y / z + camera.cy_px], axis=1
    )


def render(client: int, camera: Camera, *, is_shadowed: bool = False) -> Layer:
    """Draw all that one PyBullet client holds."""
    width, height = camera.width_px, camera.height_px
    picture: Any = pybullet.getCameraImage(
        width,
        height,
        view_matrix(camera).T.ravel().tolist(),
        projection_matrix(camera).T.ravel().tolist(),
        lightDirection=LIGHT_DIRECTION,
        shadow=int(is_shadowed),
        renderer=pybullet.ER_TINY_RENDERER,
        flags=pybullet.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
        physicsClientId=client,
    )
    _, _, rgba, depth, mask = picture
    mask = np.asarray(mask, np.int32).reshape(height, width)
    is_empty = mask < 0
    depth_m = FAR_M * NEAR_M / (FAR_M - (FAR_M - NEAR_M) * np.asarray(depth, np.float32))
    depth_m = depth_m.reshape(height, width)
    depth_m[is_empty] = np.inf
    return Layer(
        np.asarray(rgba, np.uint8).reshape(height, width, 4)[..., :3].copy(),
        depth_m,
        np.where(is_empty, -1, mask & ((1 << _LINK_SHIFT) - 1)),
        np.where(is_empty, -1, (mask >> _LINK_SHIFT) - 1),
    )
