"""Rigs and cameras that tests share."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.panorama.types import Camera, CameraModel, FloatArray, Rig

DISTORTION: dict[CameraModel, tuple[float, ...]] = {
    "PINHOLE": (),
    "OPENCV": (-0.12, 0.04, 0.001, -0.002),
    "OPENCV_FISHEYE": (-0.03, 0.01, -0.004, 0.0007),
    "HUGIN": (0.008, -0.02, 0.003),
    "HUGIN_FISHEYE": (0.008, -0.02, 0.003),
    "HUGIN_STEREOGRAPHIC": (0.008, -0.02, 0.003),
    "HUGIN_ORTHOGRAPHIC": (0.008, -0.02, 0.003),
    "HUGIN_EQUISOLID": (0.008, -0.02, 0.003),
    "HUGIN_THOBY": (0.008, -0.02, 0.003),
    "HUGIN_CYLINDRICAL": (0.008, -0.02, 0.003),
    "HUGIN_EQUIRECTANGULAR": (0.008, -0.02, 0.003),
}


def make_camera(
    model: CameraModel = "PINHOLE",
    *,
    name: str = "camera",
    width_px: int = 240,
    height_px: int = 320,
    focal_px: float = 200.0,
    rotation: FloatArray | None = None,
) -> Camera:
    """A camera with an off-centre principal point and the model's example distortion."""
    centre = ((width_px - 1) / 2 + 3.0, (height_px - 1) / 2 - 2.0)
    return Camera(
        name=name,
        width_px=width_px,
        height_px=height_px,
        model=model,
        params=(focal_px, focal_px, *centre, *DISTORTION[model]),
        camera_from_rig=np.eye(3) if rotation is None else rotation,
        centre_m=np.zeros(3),
    )


def ring_rig(num_cameras: int, step_deg: float, **camera: object) -> Rig:
    """Cameras side by side on the horizon, each turned right by one step."""
    return Rig(
        tuple(
            make_camera(
                name=f"camera{i}",
                rotation=Rotation.from_euler("y", i * step_deg, degrees=True).as_matrix().T,
                **camera,  # type: ignore[arg-type]
            )
            for i in range(num_cameras)
        )
    )
