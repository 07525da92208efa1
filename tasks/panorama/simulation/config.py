"""Settings of a simulated capture: the scene, the rig and all that is wrong with it.

The defaults are those of the trial whose figures the README repeats: 15 portrait cameras on
a rosette, centres 10 cm from its middle, driven at 10 m/s.
"""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting

SceneKind = Literal["street", "plaza", "room"]


@dataclass(frozen=True, config=SETTINGS)
class SimulationConfig:
    """One simulated capture."""

    scene: SceneKind = setting("street", help="Kind of scene.")
    seed: int = setting(0, ge=0, help="Decides layout, textures, errors and noise.")
    num_cameras: int = setting(
        15,
        ge=2,
        le=15,
        help="Up to 8: one ring (closed from 5 on); more: a raised ring, then a zenith.",
    )
    width_px: int = setting(768, ge=32, le=4096, unit="px", help="Width of a photo.")
    height_px: int = setting(1024, ge=32, le=4096, unit="px", help="Height of a photo.")
    hfov_deg: float = setting(
        62.0,
        ge=20.0,
        le=100.0,
        unit="deg",
        help="Horizontal field of view of a ring of 8; smaller closed rings widen it.",
    )
    centre_offset_m: float = setting(
        0.10, ge=0.0, le=0.5, unit="m", help="Distance of a camera's centre from the rig's."
    )
    distortion: float = setting(
        0.0, ge=-0.2, le=0.2, help="Radial lens distortion k1, known to the calibration."
    )
    rotation_error_deg: float = setting(
        0.12, ge=0.0, le=5.0, unit="deg", help="Error of the calibrated rotation, rms per axis."
    )
    focal_error: float = setting(
        0.003, ge=0.0, le=0.1, help="Relative error of the calibrated focal length, rms."
    )
    timing_error_s: float = setting(
        0.004, ge=0.0, le=0.1, unit="s", help="A camera fires up to this much early or late."
    )
    speed_m_s: float = setting(
        10.0, ge=0.0, le=50.0, unit="m/s", help="Speed of the rig along its z axis."
    )
    gain_spread: float = setting(
        0.15, ge=0.0, le=0.5, help="Exposure differs by up to this share between photos."
    )
    colour_spread: float = setting(
        0.02, ge=0.0, le=0.2, help="White balance differs by up to this share."
    )
    vignetting: float = setting(
        0.30, ge=0.0, le=0.8, help="Share of the light that is missing in the corners."
    )
    noise_grey: float = setting(
        2.0, ge=0.0, le=50.0, unit="grey levels", help="Standard deviation of the noise."
    )
    jpeg_quality: int = setting(95, ge=1, le=100, help="Quality of the photos' JPEG files.")
    panorama_width_px: int = setting(
        0,
        ge=0,
        le=16384,
        multiple_of=2,
        unit="px",
        help="Width of the ray-traced panorama from the rig's centre; 0 leaves it out.",
    )
    depth_maps: bool = setting(True, help="Whether to write the depth maps.")
