"""Values that pass between the algorithms of restitching.

Frames and units, used in every file of this system:

- *pixel*: (x, y), x right, y down, the centre of the top left pixel is (0, 0).
- *camera*: x right, y down, z forward. *rig*: the frame of the panorama, same axes.
- *equirectangular*: longitude ``atan2(x, z)`` in (-pi, pi], latitude ``asin(-y)``, north up.
  Longitude 0 is the picture's middle column boundary: ``u = (lon / 2pi + 0.5) W - 0.5``.
- *panorama pixel*: an angle of ``2pi / W``; figures are stated for W = 4096.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ByteImage = npt.NDArray[np.uint8]

CameraModel = Literal[
    "PINHOLE",
    "OPENCV",
    "OPENCV_FISHEYE",
    "HUGIN",
    "HUGIN_FISHEYE",
    "HUGIN_STEREOGRAPHIC",
    "HUGIN_ORTHOGRAPHIC",
    "HUGIN_EQUISOLID",
    "HUGIN_THOBY",
    "HUGIN_CYLINDRICAL",
    "HUGIN_EQUIRECTANGULAR",
]

UNREPAIRED = "unrepaired"
"""Name of the way to align a capture that takes its calibration as it was given."""


@dataclass(frozen=True)
class Camera:
    """One camera of a rig.

    Attributes:
        name: Unique within the rig; ties the camera to its image.
        width_px: Image width.
        height_px: Image height.
        model: Lens model.
        params: ``fx fy cx cy`` (integer pixel centres), then the model's distortion:
            PINHOLE none; OPENCV ``k1 k2 p1 p2``; OPENCV_FISHEYE ``k1 k2 k3 k4``;
            HUGIN and all that begin so ``a b c`` of the radial polynomial over the half
            shorter side.
        camera_from_rig: Rotation, (3, 3).
        centre_m: Position of the camera's centre in the rig frame, (3,), metres. Zero if
            unknown. A panorama ignores it (all directions leave one point); it stays as
            a fact about the rig.
    """

    name: str
    width_px: int
    height_px: int
    model: CameraModel
    params: tuple[float, ...]
    camera_from_rig: FloatArray
    centre_m: FloatArray


@dataclass(frozen=True)
class Rig:
    """The cameras of one capture, in image order."""

    cameras: tuple[Camera, ...]


class DisplacementField(Protocol):
    """A warp of one image: how far each of its pixels moves before it is projected."""

    def sample(self, points_px: FloatArray) -> FloatArray:
        """Displacement at points: (n, 2) px of the source image -> (n, 2) px."""


@dataclass(frozen=True)
class Alignment:
    """How images reach the sphere: pixel p of image i goes along ``ray_i(p + field_i(p))``.

    Attributes:
        rig: Calibration in use (nominal or recalibrated).
        fields: One field per camera; None where the image is not warped.
    """

    rig: Rig
    fields: tuple[DisplacementField | None, ...]


@dataclass(frozen=True)
class Correspondences:
    """Pairs of pixels, in the source images, that show the same surface point.

    Attributes:
        image_a: (n,) index of the first image.
        image_b: (n,) index of the second image; a < b.
        points_a_px: (n, 2).
        points_b_px: (n, 2).
        weights: (n,) inverse variance relative to a good match, in (0, 1].
        colours_a: (n, 3) mean BGR around the point, 0..255.
        colours_b: (n, 3).
        held_out: (n,) True where the match serves only to judge, never to fit.
    """

    image_a: IntArray
    image_b: IntArray
    points_a_px: FloatArray
    points_b_px: FloatArray
    weights: FloatArray
    colours_a: FloatArray
    colours_b: FloatArray
    held_out: BoolArray

    def __len__(self) -> int:
        """Number of correspondences."""
        return len(self.image_a)

    def select(self, chosen: BoolArray | IntArray) -> Correspondences:
        """Return the chosen rows."""
        return Correspondences(
            self.image_a[chosen],
            self.image_b[chosen],
            self.points_a_px[chosen],
            self.points_b_px[chosen],
            self.weights[chosen],
            self.colours_a[chosen],
            self.colours_b[chosen],
            self.held_out[chosen],
        )


@dataclass(frozen=True)
class Photometry:
    """How a camera turns scene radiance into pixel values: gain times falloff.

    ``pixel = gain * (1 + k2 r^2 + k4 r^4) * radiance``, r the distance from the image centre
    over half the diagonal, on linear or gamma values alike (relative within a capture).

    Attributes:
        gains: (num_images, 3) BGR gains, geometric mean 1 over the images.
        vignetting: ``(k2, k4)``, shared by the images.
    """

    gains: FloatArray
    vignetting: tuple[float, float]


@dataclass(frozen=True)
class TruePoints:
    """Surface points (or sky directions) seen unoccluded by two images.

    Attributes:
        image_a: (n,) index of the first image; its points lie on a fixed grid.
        image_b: (n,) index of the second image; a < b.
        points_a_px: (n, 2).
        points_b_px: (n, 2).
        is_sky: (n,).
    """

    image_a: IntArray
    image_b: IntArray
    points_a_px: FloatArray
    points_b_px: FloatArray
    is_sky: BoolArray

    def __len__(self) -> int:
        """Number of points."""
        return len(self.image_a)


@dataclass(frozen=True)
class Truth:
    """The truth of a capture.

    Attributes:
        rig: Cameras as they were when they fired.
        photometry: Gains and vignetting.
        points: True correspondences.
        panorama: (h, 2h, 3) BGR, ray-traced from the rig's centre, or None.
        panorama_is_sky: (h, 2h), or None.
        depths_m: One (h, w) float32 per image, distance along the ray, infinite in the sky;
            empty if not kept.
    """

    rig: Rig
    photometry: Photometry
    points: TruePoints
    panorama: ByteImage | None
    panorama_is_sky: BoolArray | None
    depths_m: tuple[Float32Array, ...]
