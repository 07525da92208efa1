"""The over-the-shoulder camera: where simulation puts it, and where the surrogate's stations do.

As in S. Levine et al., "Learning Hand-Eye Coordination for Robotic Grasping with Deep Learning
and Large-Scale Data Collection", IJRR 2018, the camera stands behind and beside the arm and looks
down into the bin, and each robot's camera stands a little differently. The arm comes in from the
side and never covers the whole bin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.grasping.config import CameraConfig, RandomiseConfig
from tasks.grasping.types import Camera, FloatArray
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M

_TARGET_M = np.array([*BIN_CENTRE_M, BIN_FLOOR_M + 0.03])
_EYE_M = np.array([-0.02, -0.51, 0.86])
_FOCAL_SPREAD = 0.03  # relative deviation of the focal length where the camera is randomised


@dataclass(frozen=True)
class Station:
    """A camera of the surrogate, as it was bolted on.

    Attributes:
        eye_m: Its centre, base frame.
        target_m: What it looks at.
        focal_factor: Its focal length, relative to the one that the settings ask for.
        roll_deg: How crooked it hangs.
        distortion: k1 and k2 of its lens (OpenCV).
        shift_mm: How far its calibration is off, in its own frame.
        turn_deg: Rotation vector by which its calibration is off, in its own frame.
    """

    eye_m: tuple[float, float, float]
    target_m: tuple[float, float, float]
    focal_factor: float
    roll_deg: float
    distortion: tuple[float, float]
    shift_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float]


STATIONS = (
    Station(
        (-0.06, -0.40, 0.96), (0.60, 0.01, -0.17), 1.04, 1.2,
        (-0.11, 0.02), (3.0, -4.0, 2.0), (0.2, -0.3, 0.1),
    ),
    Station(
        (0.10, 0.60, 0.84), (0.61, -0.01, -0.16), 0.97, -1.6,
        (-0.07, 0.01), (-4.0, 2.0, 3.0), (-0.25, 0.15, 0.3),
    ),
    Station(
        (-0.12, -0.56, 0.74), (0.59, 0.0, -0.17), 1.08, 0.7,
        (-0.15, 0.03), (2.0, 5.0, -2.0), (0.3, 0.2, -0.2),
    ),
)  # fmt: skip
"""Three of them: other places, lenses and calibration errors than any camera of simulation."""

_KNOCK_M, _KNOCK_DEG = 0.002, 0.2  # what a station's camera moves between scenes


def simulation_camera(
    config: CameraConfig, randomise: RandomiseConfig, rng: np.random.Generator
) -> Camera:
    """Place the camera of simulation.

    Args:
        config: Size and field of view.
        randomise: Whether and how much place, direction and focal length vary.
        rng: Decides the variation.
    """
    pose = look_at(_EYE_M, _TARGET_M)
    zoom = 1.0
    if randomise.camera:
        pose = _moved(pose, randomise.camera_shift_m, randomise.camera_turn_deg, rng)
        zoom = float(np.exp(_FOCAL_SPREAD * rng.standard_normal()))
    return _camera(config, pose, zoom)


def station_camera(
    station: Station, config: CameraConfig, randomise: RandomiseConfig, rng: np.random.Generator
) -> tuple[Camera, Camera]:
    """Place a camera of the surrogate.

    Args:
        station: Which.
        config: Size and field of view.
        randomise: Whether and how much it varies beyond what it is knocked about.
        rng: Decides the variation.

    Returns:
        The camera as it is, and as its calibration says it is.
    """
    pose = look_at(np.array(station.eye_m), np.array(station.target_m), station.roll_deg)
    calibrated = _rigid(
        Rotation.from_rotvec(station.turn_deg, degrees=True), np.array(station.shift_mm) / 1000
    )
    calibrated = calibrated @ pose
    pose = _moved(pose, _KNOCK_M, _KNOCK_DEG, rng)
    if randomise.camera:
        pose = _moved(pose, randomise.camera_shift_m, randomise.camera_turn_deg, rng)
    camera = replace(_camera(config, pose, station.focal_factor), distortion=station.distortion)
    return camera, replace(camera, camera_from_base=calibrated)


def look_at(eye_m: FloatArray, target_m: FloatArray, roll_deg: float = 0.0) -> FloatArray:
    """Pose of a camera at a place that looks at another, camera from base, (4, 4).

    Args:
        eye_m: Camera centre, base frame.
        target_m: Point in the middle of the picture; not straight above or below.
        roll_deg: Turn about the optical axis, clockwise as seen in the picture.
    """
    forward = (target_m - eye_m) / np.linalg.norm(target_m - eye_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    rotation = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix() @ rotation
    return _rigid(Rotation.from_matrix(rotation), -rotation @ eye_m)


def _camera(config: CameraConfig, camera_from_base: FloatArray, zoom: float) -> Camera:
    focal_px = zoom * config.size_px / 2 / np.tan(np.radians(config.view_deg) / 2)
    centre_px = (config.size_px - 1) / 2
    return Camera(
        width_px=config.size_px,
        height_px=config.size_px,
        fx_px=float(focal_px),
        fy_px=float(focal_px),
        cx_px=centre_px,
        cy_px=centre_px,
        camera_from_base=camera_from_base,
    )


def _moved(
    camera_from_base: FloatArray, shift_m: float, turn_deg: float, rng: np.random.Generator
) -> FloatArray:
    """Shift and turn a camera about its own centre, each component with the given deviation."""
    turn = Rotation.from_rotvec(turn_deg * rng.standard_normal(3), degrees=True)
    return _rigid(turn, shift_m * rng.standard_normal(3)) @ camera_from_base


def _rigid(rotation: Rotation, shift_m: FloatArray) -> FloatArray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    matrix[:3, 3] = shift_m
    return matrix
