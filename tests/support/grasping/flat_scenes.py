"""Renderings of known geometry: what a camera would measure of planes and boxes, by ray casting."""

from __future__ import annotations

import numpy as np

from tasks.grasping.algorithms.cameras import look_at
from tasks.grasping.types import Camera, FloatArray, Look, Rendering, SemanticClass, SurfaceLook
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M

WHITE = SurfaceLook(texture=-1, tint=(1.0, 1.0, 1.0), scale_m=0.1, turn_rad=0.0, shift=(0.0, 0.0))
CENTRE_M = np.array([*BIN_CENTRE_M, BIN_FLOOR_M])


def plain_look(**changes: object) -> Look:
    """A white look in even light: no lamp, no shadow, no blur, no noise."""
    values: dict = {
        "background": WHITE,
        "tray": WHITE,
        "arm": WHITE,
        "objects": (WHITE,),
        "light_direction": (0.0, 0.0, 1.0),
        "light_colour": (1.0, 1.0, 1.0),
        "ambient": 1.0,
        "shadow_strength": 0.0,
        "noise_sigma": 0.0,
        "blur_px": 0.0,
        "gain": (1.0, 1.0, 1.0),
    }
    return Look(**(values | changes))


def camera(
    size_px: int = 64,
    eye_m: tuple[float, float, float] = (0.0, -0.5, 0.85),
    view_deg: float = 34.0,
    distortion: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """A camera that looks at the middle of the bin's floor."""
    focal_px = size_px / 2 / np.tan(np.radians(view_deg) / 2)
    centre_px = (size_px - 1) / 2
    pose = look_at(np.array(eye_m), CENTRE_M)
    return Camera(size_px, size_px, focal_px, focal_px, centre_px, centre_px, pose, distortion)


def box_on_floor(
    camera: Camera,
    low_m: tuple[float, float, float] = (0.56, -0.04, BIN_FLOOR_M),
    high_m: tuple[float, float, float] = (0.64, 0.04, BIN_FLOOR_M + 0.06),
) -> Rendering:
    """An object, an upright box, on the bin's floor that goes on for ever; an ideal lens."""
    rays = base_rays(camera)
    eye = np.linalg.inv(camera.camera_from_base)[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = (
            np.where(rays > 0, a, b)
            for a, b in (
                ((np.array(low_m) - eye) / rays, (np.array(high_m) - eye) / rays),
                ((np.array(high_m) - eye) / rays, (np.array(low_m) - eye) / rays),
            )
        )
    enter, leave = near.max(-1), far.min(-1)
    is_box = enter < leave
    floor = (BIN_FLOOR_M - eye[2]) / rays[..., 2]
    depth_m = np.where(is_box, enter, floor)
    kinds = np.where(is_box, SemanticClass.OBJECT, SemanticClass.TRAY).astype(np.uint8)
    return Rendering(
        camera=camera,
        rgb=np.zeros((*depth_m.shape, 3), np.uint8),
        class_ids=kinds,
        instance_ids=is_box.astype(np.uint8),
        part_ids=np.zeros_like(kinds),
        depth_m=depth_m.astype(np.float32),
    )


def base_rays(camera: Camera) -> FloatArray:
    """Ray of each pixel in the base frame, of length 1 along the optical axis, (h, w, 3)."""
    x, y = np.meshgrid(
        (np.arange(camera.width_px) - camera.cx_px) / camera.fx_px,
        (np.arange(camera.height_px) - camera.cy_px) / camera.fy_px,
    )
    return np.stack([x, y, np.ones_like(x)], axis=-1) @ camera.camera_from_base[:3, :3]


def points_m(rendering: Rendering) -> FloatArray:
    """Point that each pixel shows, base frame, (h, w, 3); an ideal lens."""
    eye = np.linalg.inv(rendering.camera.camera_from_base)[:3, 3]
    return eye + base_rays(rendering.camera) * rendering.depth_m[..., None]
