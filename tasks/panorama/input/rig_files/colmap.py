"""COLMAP models in text form (COLMAP 3.12 and later): the native rig format.

Source: COLMAP documentation, "Output Format" (``cameras.txt``, ``rigs.txt``, ``frames.txt``,
``images.txt``). How a model becomes a rig:

- Each camera of the one rig in ``rigs.txt`` is a camera; the reference sensor has no rotation.
- COLMAP has no camera names. ``images.txt`` ties a camera to its image: the camera's name is
  the image's path below ``images/`` without its ending. Without ``images.txt``, the images in
  sorted order belong to the cameras in the order of their ids, and their numbers must agree.
- The one frame in ``frames.txt``, if there is one, turns the rig: the panorama's axes are then
  those of COLMAP's world (x right, y down, z forward), else those of the reference sensor.
- Without ``rigs.txt`` (older models) the poses in ``images.txt`` make the rig.
- COLMAP puts the centre of the top left pixel at (0.5, 0.5), we at (0, 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.checks import check_rig
from tasks.panorama.input.rig_files.colmap_text import Row, read_rows
from tasks.panorama.types import Camera, CameraModel, FloatArray, Rig

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
_NUM_DISTORTION = {"PINHOLE": 0, "OPENCV": 4, "OPENCV_FISHEYE": 4}


@dataclass(frozen=True)
class _Pose:
    rotation: FloatArray
    translation: FloatArray

    def after(self, other: _Pose) -> _Pose:
        return _Pose(
            self.rotation @ other.rotation, self.rotation @ other.translation + self.translation
        )


@dataclass(frozen=True)
class _Lens:
    model: CameraModel
    width_px: int
    height_px: int
    params: tuple[float, ...]


@dataclass(frozen=True)
class _Image:
    name: str
    camera_id: str
    pose: _Pose


_AT_ORIGIN = _Pose(np.eye(3), np.zeros(3))


def read_rig(folder: Path, image_names: Sequence[str] = ()) -> Rig:
    """Read a rig from a COLMAP text model.

    Args:
        folder: Holds ``cameras.txt`` and ``rigs.txt``, and may hold ``images.txt`` and
            ``frames.txt``.
        image_names: Names of the capture's images, without ending; used only where there is
            no ``images.txt``.

    Raises:
        DataError: The files do not describe one rig; says what to change.
    """
    _check_text_model(folder)
    lenses = _read_lenses(folder / "cameras.txt")
    images = _read_images(folder / "images.txt")
    if (folder / "rigs.txt").is_file():
        poses = _read_sensor_poses(folder / "rigs.txt")
        rig_from_world = _read_frame(folder / "frames.txt")
        poses = {key: pose.after(rig_from_world) for key, pose in poses.items()}
        names = _names_of_sensors(poses, images, image_names, folder)
        views = [(name, key, poses[key]) for key, name in names.items()]
    else:
        views = [(image.name, image.camera_id, image.pose) for image in images]
    cameras = []
    for name, camera_id, pose in views:
        if camera_id not in lenses:
            raise DataError(
                f"{folder}: camera {camera_id} of the rig is not in cameras.txt, which has "
                f"{', '.join(lenses) or 'none'}; export the model again."
            )
        cameras.append(_camera(name, lenses[camera_id], pose))
    return check_rig(Rig(tuple(cameras)), str(folder))


def write_rig(folder: Path, rig: Rig, image_suffix: str = ".jpg") -> None:
    """Write a rig as a COLMAP text model that `read_rig` and COLMAP read.

    The first camera is the reference sensor; COLMAP's world is our rig frame.

    Args:
        folder: Created if it does not exist.
        rig: The rig.
        image_suffix: Ending of the image files; camera ``a`` has the image ``a.jpg``.

    Raises:
        DataError: A camera has a lens model that COLMAP does not know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cameras, sensors, images = [], [], []
    reference = _pose_of(rig.cameras[0])
    world_from_reference = _inverse(reference)
    for camera_id, camera in enumerate(rig.cameras, start=1):
        cameras.append(f"{camera_id} {_lens_text(camera)}")
        pose = _pose_of(camera)
        if camera_id > 1:
            relative = pose.after(world_from_reference)
            sensors.append(f"CAMERA {camera_id} 1 {_pose_text(relative)}")
        images.append(f"{camera_id} {_pose_text(pose)} {camera_id} {camera.name}{image_suffix}\n")
    num = len(rig.cameras)
    data = " ".join(f"CAMERA {i} {i}" for i in range(1, num + 1))
    contents = {
        "cameras.txt": ("CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]", cameras),
        "rigs.txt": (
            "RIG_ID, NUM_SENSORS, REF_SENSOR_TYPE, REF_SENSOR_ID, SENSORS[] as "
            "(SENSOR_TYPE, SENSOR_ID, HAS_POSE, [QW, QX, QY, QZ, TX, TY, TZ])",
            [" ".join([f"1 {num} CAMERA 1", *sensors])],
        ),
        "frames.txt": (
            "FRAME_ID, RIG_ID, RIG_FROM_WORLD[QW, QX, QY, QZ, TX, TY, TZ], NUM_DATA_IDS, "
            "DATA_IDS[] as (SENSOR_TYPE, SENSOR_ID, DATA_ID)",
            [f"1 1 {_pose_text(reference)} {num} {data}"],
        ),
        "images.txt": (
            "IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME, then a line of points",
            images,
        ),
        "points3D.txt": ("POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[]", []),
    }
    for name, (header, lines) in contents.items():
        text = "\n".join([f"# {header}", *lines]) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


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


def _read_lenses(path: Path) -> dict[str, _Lens]:
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
        padding = (0.0,) * (_NUM_DISTORTION[model] - num_distortion)
        lenses[camera_id] = _Lens(
            model,
            row.whole(2),
            row.whole(3),
            (*focal, cx - 0.5, cy - 0.5, *distortion, *padding),
        )
    return lenses


def _read_images(path: Path) -> list[_Image]:
    if not path.is_file():
        return []
    images = []
    for row in read_rows(path, lines_per_row=2):
        place = PurePosixPath(row.rest(9))
        if not place.name:
            raise row.error("expected an image's name, found a folder's")
        name = place.with_suffix("").as_posix()
        images.append(_Image(name, row.text(8), _pose(row, 1)))
    return images


def _read_sensor_poses(path: Path) -> dict[str, _Pose]:
    rows = list(read_rows(path))
    if len(rows) != 1:
        raise DataError(f"{path}: expected one rig, found {len(rows)}; keep the capture's own.")
    row = rows[0]
    num_sensors = row.whole(1)
    poses = {_sensor(row, 2): _AT_ORIGIN}
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


def _read_frame(path: Path) -> _Pose:
    if not path.is_file():
        return _AT_ORIGIN
    rows = list(read_rows(path))
    if len(rows) != 1:
        raise DataError(
            f"{path}: expected one frame, found {len(rows)}; a capture is one exposure of the "
            "rig: keep its frame, or remove frames.txt."
        )
    return _pose(rows[0], 2)


def _names_of_sensors(
    sensors: Iterable[str], images: Sequence[_Image], image_names: Sequence[str], folder: Path
) -> dict[str, str]:
    """Name of each sensor's image, in image order."""
    ids = set(sensors)
    if images:
        names: dict[str, str] = {}
        for image in images:
            if image.camera_id in names:
                raise DataError(
                    f"{folder / 'images.txt'}: camera {image.camera_id} has two images, "
                    f"{names[image.camera_id]!r} and {image.name!r}; keep one frame."
                )
            names[image.camera_id] = image.name
        if set(names) != ids:
            raise DataError(
                f"{folder}: rigs.txt has cameras {sorted(ids)} and images.txt {sorted(names)}; "
                "expected the same."
            )
        return names
    if len(image_names) != len(ids):
        raise DataError(
            f"{folder}: the rig has {len(ids)} cameras and the capture {len(image_names)} images; "
            "expected as many, or an images.txt that names the image of each camera."
        )
    in_order = sorted(ids, key=lambda key: (len(key), key))
    return dict(zip(in_order, sorted(image_names), strict=True))


def _sensor(row: Row, place: int) -> str:
    if row.text(place) != "CAMERA":
        raise row.error(f"expected only CAMERA sensors, found {row.text(place)!r}")
    return row.text(place + 1)


def _pose(row: Row, place: int) -> _Pose:
    numbers = np.array(row.numbers(place, _POSE_FIELDS))
    quaternion, translation = numbers[:4], numbers[4:]
    length = float(np.linalg.norm(quaternion))
    if abs(length - 1.0) > _QUATERNION_TOLERANCE:
        raise row.error(
            f"expected a rotation as a unit quaternion (w x y z), found one of length {length:.4g}"
        )
    return _Pose(
        Rotation.from_quat(quaternion, scalar_first=True).as_matrix().astype(np.float64),
        translation,
    )


def _camera(name: str, lens: _Lens, pose: _Pose) -> Camera:
    return Camera(
        name=name,
        width_px=lens.width_px,
        height_px=lens.height_px,
        model=lens.model,
        params=lens.params,
        camera_from_rig=pose.rotation,
        centre_m=-pose.rotation.T @ pose.translation,
    )


def _pose_of(camera: Camera) -> _Pose:
    return _Pose(camera.camera_from_rig, -camera.camera_from_rig @ camera.centre_m)


def _inverse(pose: _Pose) -> _Pose:
    return _Pose(pose.rotation.T, -pose.rotation.T @ pose.translation)


def _pose_text(pose: _Pose) -> str:
    quaternion = Rotation.from_matrix(pose.rotation).as_quat(canonical=True, scalar_first=True)
    return " ".join(repr(float(x)) for x in (*quaternion, *pose.translation))


def _lens_text(camera: Camera) -> str:
    if camera.model not in _NUM_DISTORTION:
        raise DataError(
            f"camera {camera.name!r}: COLMAP has no lens model {camera.model}; "
            f"expected one of {', '.join(_NUM_DISTORTION)}."
        )
    fx, fy, cx, cy = camera.params[:4]
    numbers = (fx, fy, cx + 0.5, cy + 0.5, *camera.params[4:])
    size = f"{camera.width_px} {camera.height_px}"
    return f"{camera.model} {size} " + " ".join(repr(float(x)) for x in numbers)
