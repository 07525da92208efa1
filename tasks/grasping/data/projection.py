"""Where points of the base frame appear in a picture."""

from __future__ import annotations

import numpy as np

from tasks.grasping.types import Camera, FloatArray


def project(points_m: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """Project points through a camera with radial distortion.

    Args:
        points_m: Points, (n, 3), base frame.
        camera: The camera.

    Returns:
        Pixel coordinates, (n, 2), where (0, 0) is the centre of the top left pixel; and
        distances along the optical axis, (n,), metres, negative behind the camera.
    """
    rotation, shift_m = camera.camera_from_base[:3, :3], camera.camera_from_base[:3, 3]
    seen_m = np.asarray(points_m, np.float64).reshape(-1, 3) @ rotation.T + shift_m
    depth_m = seen_m[:, 2]
    plane = seen_m[:, :2] / np.where(depth_m == 0, np.inf, depth_m)[:, None]
    radius2 = (plane**2).sum(axis=1, keepdims=True)
    k1, k2 = camera.distortion
    bent = plane * (1 + k1 * radius2 + k2 * radius2**2)
    centre_px = np.array([camera.cx_px, camera.cy_px])
    return bent * [camera.fx_px, camera.fy_px] + centre_px, depth_m
