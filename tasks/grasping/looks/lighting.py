"""Light on what a depth picture shows: Lambert's law, and shadows found in the picture itself.

A shadow is found by walking from each point towards the light and asking the depth picture
whether something stands in the way. Casters that the camera doesn't see cast none; for things in
a bin that is looked at from above this hardly shows, and it spares a second rendering.

Shape legend: h, w height and width of the picture; k steps of a walk.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.grasping.types import Camera, Float32Array, FloatArray, Look

# Lengths of a walk's steps: from about a pixel to the height of the bin's walls.
_WALK_M = np.geomspace(0.012, 0.13, 8).astype(np.float32)
_THICKNESS_M = 0.1  # deeper behind a surface than this, the ray passes under the thing
_STRIDE = 2  # shadows are soft: every other pixel does


def direct_light(
    inverse_depth: Float32Array, rays: Float32Array, camera: Camera, look: Look
) -> Float32Array:
    """How much of the lamp's light reaches each pixel, in [0, 1].

    Args:
        inverse_depth: 1 / distance along the optical axis, (h, w); 0 where nothing is.
        rays: Ray of each pixel, (2, h, w).
        camera: The camera.
        look: The lamp's direction and how dark shadows are.

    Returns:
        (h, w): cosine between normal and lamp, less what is in the shadow; 1 where nothing is.
    """
    lamp = camera.camera_from_base[:3, :3] @ np.array(look.light_direction)
    light = _cosine(inverse_depth, rays, camera, lamp.astype(np.float32))
    if look.shadow_strength > 0:
        shadow = _shadow(inverse_depth, rays, camera, lamp.astype(np.float32))
        light *= 1 - np.float32(look.shadow_strength) * shadow
    light[inverse_depth == 0] = 1
    return light


def _cosine(
    inverse_depth: Float32Array, rays: Float32Array, camera: Camera, lamp: Float32Array
) -> Float32Array:
    """Cosine between surface normal and lamp, (h, w), 0 where the lamp is behind.

    On a plane ``n . p = d`` the inverse depth is ``n . (x, y, 1) / d``: linear in the picture. So
    its slopes are the normal, exact for planes, and taken on the side where it bends less they
    don't mix two surfaces.
    """
    a = np.float32(camera.fx_px) * _slope(inverse_depth)
    b = np.float32(camera.fy_px) * _slope(inverse_depth.T).T
    c = inverse_depth - a * rays[0] - b * rays[1]
    length = np.sqrt(a * a + b * b + c * c)
    towards = -(a * lamp[0] + b * lamp[1] + c * lamp[2])  # the normal points to the camera
    return np.asarray(np.maximum(towards, 0) / np.maximum(length, np.float32(1e-6)))


def _slope(values: Float32Array) -> Float32Array:
    """Difference to the right or left neighbour, whichever is smaller, (h, w)."""
    difference = np.diff(values, axis=1)
    after = np.concatenate([difference, difference[:, -1:]], axis=1)
    before = np.concatenate([difference[:, :1], difference], axis=1)
    return np.where(np.abs(after) < np.abs(before), after, before)


def _shadow(
    inverse_depth: Float32Array, rays: Float32Array, camera: Camera, lamp: Float32Array
) -> Float32Array:
    """Whether something stands between a point and the lamp, (h, w), soft, in [0, 1]."""
    height, width = inverse_depth.shape
    start = inverse_depth[::_STRIDE, ::_STRIDE]
    z = 1 / np.maximum(start, np.float32(0.05))
    walk_m = _WALK_M[:, None, None]  # (k, 1, 1)
    toward_z = z + walk_m * lamp[2]
    scale_x, scale_y = np.float32(camera.fx_px) / toward_z, np.float32(camera.fy_px) / toward_z
    x = (rays[0, ::_STRIDE, ::_STRIDE] * z + walk_m * lamp[0]) * scale_x
    y = (rays[1, ::_STRIDE, ::_STRIDE] * z + walk_m * lamp[1]) * scale_y
    column = np.clip(x + np.float32(camera.cx_px + 0.5), 0, width - 1).astype(np.int32)
    row = np.clip(y + np.float32(camera.cy_px + 0.5), 0, height - 1).astype(np.int32)
    depth_m = 1 / np.maximum(inverse_depth, np.float32(0.05))
    behind_m = toward_z - depth_m.ravel()[row * width + column]
    slack_m = np.float32(0.002) + np.float32(0.75 / camera.fx_px) * z
    is_blocked = (behind_m > slack_m) & (behind_m < _THICKNESS_M)
    found = is_blocked.any(axis=0).astype(np.float32)
    soft = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blur(soft, (3, 3)))


def lit(direct: Float32Array, look: Look) -> Float32Array:
    """Light of each channel, (h, w, 3): the lamp's in its colour, and the ambient share."""
    colour: FloatArray = np.array(look.light_colour) * (1 - look.ambient)
    return np.asarray(direct[..., None] * colour.astype(np.float32) + np.float32(look.ambient))
