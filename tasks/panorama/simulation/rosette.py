"""The camera rig: as it was calibrated (nominal) and as it was when it fired (true)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.types import Camera, FloatArray, Rig

_FULL_RING = 8
_SMALLEST_CLOSED_RING = 5
_RAISED_PITCH_DEG = 47.0


@dataclass(frozen=True)
class RigPair:
    """Two versions of one rig.

    Attributes:
        nominal: What the calibration says; what a stitcher is given.
        true: What the photos were taken with: rotation and focal length differ, and each
            camera stands where it was when it fired.
    """

    nominal: Rig
    true: Rig


def make_rigs(settings: SimulationConfig, rng: np.random.Generator) -> RigPair:
    """Lay out the rosette and draw its errors."""
    nominal = Rig(
        tuple(
            _camera(settings, name, yaw_deg, pitch_deg)
            for name, yaw_deg, pitch_deg in _layout(settings.num_cameras)
        )
    )
    true = tuple(_true_camera(camera, settings, rng) for camera in nominal.cameras)
    return RigPair(nominal, Rig(true))


def _layout(num_cameras: int) -> list[tuple[str, float, float]]:
    """Name, yaw and pitch in degrees of each camera: level ring, raised ring, zenith."""
    level = min(num_cameras, _FULL_RING)
    step = 360.0 / level if level >= _SMALLEST_CLOSED_RING else 360.0 / _FULL_RING
    cameras = [(f"level_{k}", step * k, 0.0) for k in range(level)]
    # Without at least three raised cameras a zenith camera would touch nothing.
    has_zenith = num_cameras >= _FULL_RING + 4
    raised = max(0, num_cameras - _FULL_RING - has_zenith)
    cameras += [
        (f"raised_{k}", 360.0 / raised * (k + 0.5), _RAISED_PITCH_DEG) for k in range(raised)
    ]
    if has_zenith:
        cameras.append(("zenith", 0.0, 90.0))
    return cameras


def _camera(settings: SimulationConfig, name: str, yaw_deg: float, pitch_deg: float) -> Camera:
    camera_from_rig = _looking(yaw_deg, pitch_deg)
    focal_px = nominal_focal_px(settings)
    centre_px = (0.5 * (settings.width_px - 1), 0.5 * (settings.height_px - 1))
    params: tuple[float, ...] = (focal_px, focal_px, *centre_px)
    if settings.distortion:
        params += (settings.distortion, 0.0, 0.0, 0.0)
    return Camera(
        name=name,
        width_px=settings.width_px,
        height_px=settings.height_px,
        model="OPENCV" if settings.distortion else "PINHOLE",
        params=params,
        camera_from_rig=camera_from_rig,
        centre_m=settings.centre_offset_m * camera_from_rig[2],
    )


def nominal_focal_px(settings: SimulationConfig) -> float:
    """Return the focal length; a closed ring of fewer than 8 sees as much overlap as 8 do."""
    widening = 1.0
    if _SMALLEST_CLOSED_RING <= settings.num_cameras < _FULL_RING:
        widening = _FULL_RING / settings.num_cameras
    half = np.radians(min(0.5 * settings.hfov_deg * widening, 60.0))
    return float(0.5 * settings.width_px / np.tan(half))


def _looking(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Rotation camera_from_rig of a camera turned right by yaw and up by pitch."""
    rig_from_camera = Rotation.from_euler("YX", [yaw_deg, pitch_deg], degrees=True)
    return np.asarray(rig_from_camera.inv().as_matrix())


def _true_camera(camera: Camera, settings: SimulationConfig, rng: np.random.Generator) -> Camera:
    turn_rad = np.radians(settings.rotation_error_deg) * rng.standard_normal(3)
    stretch = 1.0 + settings.focal_error * float(rng.standard_normal())
    early_or_late_s = settings.timing_error_s * float(rng.uniform(-1.0, 1.0))
    moved_m = np.array([0.0, 0.0, settings.speed_m_s * early_or_late_s])
    fx, fy = (stretch * focal_px for focal_px in camera.params[:2])
    return replace(
        camera,
        params=(fx, fy, *camera.params[2:]),
        camera_from_rig=Rotation.from_rotvec(turn_rad).as_matrix() @ camera.camera_from_rig,
        centre_m=camera.centre_m + moved_m,
    )
