"""COLMAP models in text form (COLMAP 3.12 and later): the native rig format.

Source: COLMAP documentation, "Output Format" and "Rig Support". How a model becomes a rig:

- Each camera of the one rig in ``rigs.txt`` is a camera; the reference sensor has no rotation.
- COLMAP has no camera names. ``images.txt`` ties a camera to its image: the camera's name is
  the image's path below ``images/`` without its ending. Without ``images.txt``, the images in
  sorted order belong to the cameras in the order of their ids, and their numbers must agree.
- The one frame in ``frames.txt``, if there is one, turns the rig: the panorama's axes are then
  those of COLMAP's world (x right, y down, z forward), else those of the reference sensor. Of
  several frames each has the pose that its images state.
- Without a rig configuration the poses in ``images.txt`` make the rig: in older models, and where
  COLMAP wrote a rig for each camera.
- COLMAP puts the centre of the top left pixel at (0.5, 0.5), we at (0, 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.camera_folders import camera_folders
from tasks.panorama.input.rig_files.checks import check_rig
from tasks.panorama.input.rig_files.colmap_model import (
    AT_ORIGIN,
    NUM_DISTORTION,
    Lens,
    Model,
    ModelImage,
    Pose,
    read_model,
)
from tasks.panorama.types import Camera, Rig


def read_rig(folder: Path, image_names: Sequence[str] = (), frame: str = "") -> Rig:
    """Read a rig from a COLMAP text model.

    Args:
        folder: Holds ``cameras.txt`` and ``rigs.txt``, and may hold ``images.txt`` and
            ``frames.txt``.
        image_names: Names of the capture's images, without ending: where there is no
            ``images.txt``, and where that names images of other captures too.
        frame: Name that the frame's images have in their cameras' folders; empty where the
            images are one capture.

    Raises:
        DataError: The files do not describe one rig; says what to change.
    """
    model = read_model(folder)
    if model.sensors is None:
        chosen = _images_of(model, frame)
        return _rig(model, [(image.name, image.camera_id, image.pose) for image in chosen])
    names = _names(model, model.sensors, image_names, frame)
    rig_from_world = _frame_pose(model, model.sensors, names)
    poses = {key: pose.after(rig_from_world) for key, pose in model.sensors.items()}
    return _rig(model, [(name, key, poses[key]) for key, name in names.items()])


def camera_views(folder: Path, image_names: Sequence[str]) -> list[tuple[str, str]]:
    """Id and image's name of each camera, once for each of its images in the model.

    Args:
        folder: The model.
        image_names: The capture's images, by whose folders cameras go without ``images.txt``.

    Raises:
        DataError: It is no such model.
    """
    return _views(read_model(folder), image_names)


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
    world_from_reference = reference.inverse()
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


def _views(model: Model, image_names: Sequence[str]) -> list[tuple[str, str]]:
    if model.images or model.sensors is None:
        return [(image.camera_id, image.name) for image in model.images]
    folders = sorted({PurePosixPath(name).parent for name in image_names})
    if len(folders) != len(model.sensors):
        return []
    ids = sorted(model.sensors, key=_id_order)
    return [(key, str(place / "_")) for key, place in zip(ids, folders, strict=True)]


def _images_of(model: Model, frame: str) -> Sequence[ModelImage]:
    """The images of a model without a rig configuration, or of one frame of it."""
    if not frame:
        return model.images
    chosen = [each for each in model.images if PurePosixPath(each.name).name == frame]
    if not chosen:
        raise DataError(
            f"{model.folder}: the model has no images of frame {frame!r}, and without a rig "
            "configuration it holds for its own images alone; configure a rig in COLMAP, or take "
            "this frame out."
        )
    return chosen


def _rig(model: Model, views: Sequence[tuple[str, str, Pose]]) -> Rig:
    cameras = []
    for name, camera_id, pose in views:
        if camera_id not in model.lenses:
            raise DataError(
                f"{model.folder}: camera {camera_id} of the rig is not in cameras.txt, which has "
                f"{', '.join(model.lenses) or 'none'}; export the model again."
            )
        cameras.append(_camera(name, model.lenses[camera_id], pose))
    return check_rig(Rig(tuple(cameras)), str(model.folder))


def _names(
    model: Model, sensors: Mapping[str, Pose], image_names: Sequence[str], frame: str
) -> dict[str, str]:
    """Name of each sensor's image."""
    if frame:
        folders = camera_folders(_views(model, image_names))
        names = {key: str(PurePosixPath(place) / frame) for key, place in folders.items()}
    elif model.images:
        names = _names_by_images(model, image_names)
    else:
        return _names_by_order(model, sensors, image_names)
    if set(names) != set(sensors):
        raise DataError(
            f"{model.folder}: rigs.txt has cameras {sorted(sensors)} and images.txt "
            f"{sorted(names)}; expected the same."
        )
    return names


def _names_by_images(model: Model, image_names: Sequence[str]) -> dict[str, str]:
    known = set(image_names)
    names: dict[str, str] = {}
    for image in model.images:
        other = names.get(image.camera_id)
        if other is None or (other not in known and image.name in known):
            names[image.camera_id] = image.name
        elif image.name in known or not known:
            raise DataError(
                f"{model.folder / 'images.txt'}: camera {image.camera_id} has two images, "
                f"{other!r} and {image.name!r}; put the photos of each camera into a folder of "
                "its own, where those of one frame have one name, or keep one frame."
            )
    return names


def _names_by_order(
    model: Model, sensors: Mapping[str, Pose], image_names: Sequence[str]
) -> dict[str, str]:
    if len(image_names) != len(sensors):
        raise DataError(
            f"{model.folder}: the rig has {len(sensors)} cameras and the capture "
            f"{len(image_names)} images; expected as many, or an images.txt that names the image "
            "of each camera."
        )
    return dict(zip(sorted(sensors, key=_id_order), sorted(image_names), strict=True))


def _id_order(key: str) -> tuple[int, str]:
    return len(key), key


def _frame_pose(model: Model, sensors: Mapping[str, Pose], names: Mapping[str, str]) -> Pose:
    """Rig from world in the frame of these images; at the origin where the model says nothing."""
    if len(model.frames) == 1:
        return model.frames[0]
    if len(model.frames) > 1:
        for image in model.images:
            if names.get(image.camera_id) == image.name:
                return sensors[image.camera_id].inverse().after(image.pose)
    return AT_ORIGIN


def _camera(name: str, lens: Lens, pose: Pose) -> Camera:
    return Camera(
        name=name,
        width_px=lens.width_px,
        height_px=lens.height_px,
        model=lens.model,
        params=lens.params,
        camera_from_rig=pose.rotation,
        centre_m=-pose.rotation.T @ pose.translation,
    )


def _pose_of(camera: Camera) -> Pose:
    return Pose(camera.camera_from_rig, -camera.camera_from_rig @ camera.centre_m)


def _pose_text(pose: Pose) -> str:
    quaternion = Rotation.from_matrix(pose.rotation).as_quat(canonical=True, scalar_first=True)
    return " ".join(repr(float(x)) for x in (*quaternion, *pose.translation))


def _lens_text(camera: Camera) -> str:
    if camera.model not in NUM_DISTORTION:
        raise DataError(
            f"camera {camera.name!r}: COLMAP has no lens model {camera.model}; "
            f"expected one of {', '.join(NUM_DISTORTION)}."
        )
    fx, fy, cx, cy = camera.params[:4]
    numbers = (fx, fy, cx + 0.5, cy + 0.5, *camera.params[4:])
    size = f"{camera.width_px} {camera.height_px}"
    return f"{camera.model} {size} " + " ".join(repr(float(x)) for x in numbers)
