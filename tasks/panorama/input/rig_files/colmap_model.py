"""The files of a COLMAP text model as values: lenses, images, rigs and frames.

Source: COLMAP documentation, "Output Format" (``cameras.txt``, ``rigs.txt``, ``frames.txt``,
``images.txt``). COLMAP puts the centre of the top left pixel at (0.5, 0.5), we at (0, 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.colmap_text import Row, read_rows
from tasks.panorama.types import CameraModel, FloatArray

_POSE_FIELDS = 7
_MAX_SHOWN = 100
_QUATERNION_TOLERANCE = 1e-3

# COLMAP model -> our model, number of focal lengths, number of distortion parameters there.
_MODELS: dict[str, tuple[CameraModel, int, int]] = {
    "SIMPLE_PINHOLE": ("PINHOLE", 1, 0),
    "PINHOLE": ("PINHOLE", 2, 0),
    "SIMPLE_RADIAL": ("OPENCV", 1, 1),
    "RADIAL": ("OPENCV", 1, 2),
    "OPENCV": ("OPENCV", 2, 4),
    "SIMPLE_RADIAL_FISHEYE": ("OPENCV_FISHEYE", 1, 1),
    "RADIAL_FISHEYE": ("OPENCV_FISHEYE", 1, 2),
    "OPENCV_FISHEYE": ("OPENCV_FISHEYE", 2, 4),
}
NUM_DISTORTION: dict[CameraModel, int] = {"PINHOLE": 0, "OPENCV": 4, "OPENCV_FISHEYE": 4}


@dataclass(frozen=True)
class Pose:
    """Where points of one frame lie in another: ``rotation @ x + translation``."""

    rotation: FloatArray
    translation: FloatArray

    def after(self, other: Pose) -> Pose:
        """The other pose, then this one."""
        return Pose(
            self.rotation @ other.rotation, self.rotation @ other.translation + self.translation
        )

    def inverse(self) -> Pose:
        """The way back."""
        return Pose(self.rotation.T, -self.rotation.T @ self.translation)


@dataclass(frozen=True)
class Lens:
    """A line of ``cameras.txt``."""

    model: CameraModel
    width_px: int
    height_px: int
    params: tuple[float, ...]


@dataclass(frozen=True)
class ModelImage:
    """A line of ``images.txt``.

    Attributes:
        name: Path below ``images/``, without ending.
        camera_id: Its camera.
        pose: Camera from world.
    """

    name: str
    camera_id: str
    pose: Pose


@dataclass(frozen=True)
class Model:
    """A COLMAP model.

    Attributes:
        folder: Where it lies.
        lenses: By the camera's id.
        images: Its images; empty without ``images.txt``.
        sensors: Sensor from rig by the camera's id; None without a rig configuration: COLMAP
            then writes no rigs, or one for each camera, and the images' own poses count.
        frames: Rig from world of each frame.
    """

    folder: Path
    lenses: Mapping[str, Lens]
    images: Sequence[ModelImage]
    sensors: Mapping[str, Pose] | None
    frames: Sequence[Pose]


AT_ORIGIN = Pose(np.eye(3), np.zeros(3))


def read_model(folder: Path) -> Model:
    """Read a COLMAP text model.

    Args:
        folder: Holds ``cameras.txt`` with ``rigs.txt`` or ``images.txt``, and perhaps
            ``frames.txt``.

    Raises:
        DataError: It is no such model, or has several rigs; says what to change.
    """
    _check_text_model(folder)
    images = _read_images(folder / "images.txt")
    sensors = _read_sensors(folder / "rigs.txt")
    if sensors is None and not images:
        raise DataError(
            f"{folder}: expected a rig of several cameras in rigs.txt, or images.txt with the pose "
            "of each photo; export the model again."
        )
    frames = folder / "frames.txt"
    return Model(
        folder=folder,
        lenses=_read_lenses(folder / "cameras.txt"),
        images=images,
        sensors=sensors,
        frames=[_pose(row, 2) for row in read_rows(frames)] if frames.is_file() else [],
    )


def _check_text_model(folder: Path) -> None:
    if (folder / "cameras.txt").is_file() and (
        (folder / "rigs.txt").is_file() or (folder / "images.txt").is_file()
    ):
        return
    if list(folder.glob("*.bin")):
        raise DataError(
            f"{folder}: expected COLMAP's text format, found its binary format; convert it with "
            "'colmap model_converter --output_type TXT'."
        )
    raise DataError(
        f"{folder}: expected cameras.txt together with rigs.txt or images.txt; export the rig "
        "as a COLMAP text model."
    )


def _read_lenses(path: Path) -> dict[str, Lens]:
    lenses = {}
    for row in read_rows(path):
        camera_id, model_name = row.text(0), row.text(1)
        if model_name not in _MODELS:
            raise row.error(
                f"expected a camera model among {', '.join(_MODELS)}, found "
                f"{model_name[:_MAX_SHOWN]!r}; undistort the images or fit one of these models"
            )
        model, num_focal, num_distortion = _MODELS[model_name]
        row.expect(4 + num_focal + 2 + num_distortion)
        numbers = row.numbers(4, num_focal + 2 + num_distortion)
        focal = numbers[:1] * 2 if num_focal == 1 else numbers[:2]
        cx, cy = numbers[num_focal : num_focal + 2]
        distortion = numbers[num_focal + 2 :]
        padding = (0.0,) * (NUM_DISTORTION[model] - num_distortion)
        lenses[camera_id] = Lens(
            model,
            row.whole(2),
            row.whole(3),
            (*focal, cx - 0.5, cy - 0.5, *distortion, *padding),
        )
    return lenses


def _read_images(path: Path) -> list[ModelImage]:
    if not path.is_file():
        return []
    images = []
    for row in read_rows(path, lines_per_row=2):
        place = PurePosixPath(row.rest(9))
        if not place.name:
            raise row.error("expected an image's name, found a folder's")
        name = place.with_suffix("").as_posix()
        images.append(ModelImage(name, row.text(8), _pose(row, 1)))
    return images


def _read_sensors(path: Path) -> dict[str, Pose] | None:
    """Poses of the sensors of the one rig that has several; None if there is none."""
    rigs = [_read_rig(row) for row in read_rows(path)] if path.is_file() else []
    if all(len(sensors) == 1 for sensors in rigs):
        return None
    if len(rigs) != 1:
        raise DataError(f"{path}: expected one rig, found {len(rigs)}; keep the capture's own.")
    return rigs[0]


def _read_rig(row: Row) -> dict[str, Pose]:
    num_sensors = row.whole(1)
    poses = {_sensor(row, 2): AT_ORIGIN}
    place = 4
    while place < row.num_fields:
        camera_id = _sensor(row, place)
        if row.text(place + 2) != "1":
            raise row.error(f"expected a pose for camera {camera_id}; calibrate the rig first")
        if camera_id in poses:
            raise row.error(f"camera {camera_id} is named twice; give each its own id")
        poses[camera_id] = _pose(row, place + 3)
        place += 3 + _POSE_FIELDS
    if len(poses) != num_sensors:
        raise row.error(f"expected {num_sensors} sensors as stated, found {len(poses)}")
    return poses


def _sensor(row: Row, place: int) -> str:
    if row.text(place) != "CAMERA":
        raise row.error(f"expected only CAMERA sensors, found {row.text(place)!r}")
    return row.text(place + 1)


def _pose(row: Row, place: int) -> Pose:
    numbers = np.array(row.numbers(place, _POSE_FIELDS))
    quaternion, translation = numbers[:4], numbers[4:]
    length = float(np.linalg.norm(quaternion))
    if abs(length - 1.0) > _QUATERNION_TOLERANCE:
        raise row.error(
            f"expected a rotation as a unit quaternion (w x y z), found one of length {length:.4g}"
        )
    return Pose(
        Rotation.from_quat(quaternion, scalar_first=True).as_matrix().astype(np.float64),
        translation,
    )
