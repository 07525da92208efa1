"""Turn a given rig so that its panorama is level and in one piece.

A rig's own frame is that of a camera, or of a reconstruction that knows no up; then the panorama
would lean. Up is taken from the cameras, as `levelling` does for photos, but only where they say
it clearly: cameras that are mounted on their sides say nothing. And where the cameras see a part of
the horizon that goes over the panorama's ends, it is turned to the middle.
"""

from __future__ import annotations

from dataclasses import replace
from math import degrees, radians

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.place.canvas import circular_range
from tasks.panorama.camera.camera import rays
from tasks.panorama.types import BoolArray, Camera, FloatArray, Rig

CALIBRATION_NOISE_DEG = 0.5  # lean of a rig in the frame of a camera that is no more than this
CAR_S_LEAN_DEG = 10.0  # lean in a frame that may be level; one that isn't leans more as a rule
ANY_LEAN_DEG = 180.0  # a frame that a person made level, or not
_UPSIDE_DOWN_DEG = 90.0  # beyond it, it is the cameras that hang so
_MAX_OFF_PLANE = 0.02  # mean square of how far right-hand axes leave their plane
_MIN_SPREAD = 0.1  # mean square by which they must spread in it
_MIN_UPRIGHT = 0.5  # cosine between that plane's normal and the cameras' own mean up
_NUM_COLUMNS, _GRID_SIDE = 72, 25
_UP = np.array([0.0, -1.0, 0.0])


def upright(rig: Rig, kept_lean_deg: float) -> tuple[Rig, float]:
    """Level a rig, and turn what it sees to the middle.

    Args:
        rig: As it was given.
        kept_lean_deg: Lean up to which its frame counts as level.

    Returns:
        The rig in its new frame, and how far right of the new middle that lies which lay in the
        middle before, degrees.
    """
    new_from_old = np.eye(3)
    up = _clear_up(rig)
    if up is not None:
        lean_deg = degrees(np.arccos(np.clip(up @ _UP, -1.0, 1.0)))
        if kept_lean_deg < lean_deg < _UPSIDE_DOWN_DEG:
            new_from_old = Rotation.align_vectors(_UP[None], up[None])[0].as_matrix()
    middle_deg = _middle_of_arc_deg(_turned(rig, new_from_old))
    if middle_deg is not None:
        turn = Rotation.from_euler("y", -middle_deg, degrees=True).as_matrix()
        new_from_old = turn @ new_from_old
    ahead = new_from_old[:, 2]
    return _turned(rig, new_from_old), degrees(np.arctan2(ahead[0], ahead[2]))


def _turned(rig: Rig, new_from_old: FloatArray) -> Rig:
    if np.array_equal(new_from_old, np.eye(3)):
        return rig
    return Rig(
        tuple(
            replace(
                camera,
                camera_from_rig=camera.camera_from_rig @ new_from_old.T,
                centre_m=new_from_old @ camera.centre_m,
            )
            for camera in rig.cameras
        )
    )


def _clear_up(rig: Rig) -> FloatArray | None:
    """Up, as the normal of the plane that the cameras' right-hand axes lie in; None if unclear."""
    rights = np.stack([camera.camera_from_rig[0] for camera in rig.cameras])
    mean_up = -np.stack([camera.camera_from_rig[1] for camera in rig.cameras]).mean(axis=0)
    squares, axes = np.linalg.eigh(rights.T @ rights / len(rights))
    normal = axes[:, 0] if axes[:, 0] @ mean_up >= 0 else -axes[:, 0]
    if squares[0] > _MAX_OFF_PLANE or squares[1] < _MIN_SPREAD:
        return None
    length = max(float(np.linalg.norm(mean_up)), 1e-12)
    return np.asarray(normal) if normal @ mean_up / length >= _MIN_UPRIGHT else None


def _middle_of_arc_deg(rig: Rig) -> float | None:
    """Where the middle of what the cameras see lies, if that goes over the ends; else None."""
    seen = _seen_columns(rig)
    start, length = circular_range(seen)
    if length == len(seen) or start + length <= len(seen):
        return None
    return float(((start + length / 2) / len(seen) * 360) % 360 - 180)


def _seen_columns(rig: Rig) -> BoolArray:
    """Which parts of the horizon's circle the cameras see, at any height."""
    directions = np.concatenate([rays(camera, _grid(camera)) for camera in rig.cameras])
    longitudes = np.arctan2(directions[:, 0], directions[:, 2])
    columns = np.floor((longitudes / radians(360) + 0.5) * _NUM_COLUMNS).astype(int) % _NUM_COLUMNS
    return np.bincount(columns, minlength=_NUM_COLUMNS) > 0


def _grid(camera: Camera) -> FloatArray:
    """Places over a camera's whole image, its edges among them, (n, 2) px."""
    x = np.linspace(-0.5, camera.width_px - 0.5, _GRID_SIDE)
    y = np.linspace(-0.5, camera.height_px - 0.5, _GRID_SIDE)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
