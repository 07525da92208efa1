"""Inspection of a capture: every photo and mask is read once and checked against the rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.calibrate_photos import calibrate_features
from tasks.panorama.algorithms.calibrate.features import Features, find_features
from tasks.panorama.camera.overlaps import largest_connected, overlapping_pairs
from tasks.panorama.input.captures import CaptureFiles
from tasks.panorama.input.photos import Photo, encode_mask, open_photo, read_mask
from tasks.panorama.input.rig_files import colmap, hugin
from tasks.panorama.input.rig_files.checks import MIN_CAMERAS
from tasks.panorama.input.rig_files.hugin import Project
from tasks.panorama.types import BoolArray, ByteImage, Camera, Rig
from tasks.report.sheet import thumbnail


@dataclass(frozen=True)
class CheckedPhoto:
    """What stays in memory of a photo.

    Attributes:
        name: Its name, that of its camera.
        orientation: EXIF orientation to apply to the stored pixels.
        size_px: Width and height after that.
        focal_px: Focal length by EXIF, None if unknown.
        thumbnail: The photo, small and upright.
        features: For calibration; None where a rig is given.
        mask_png: Where it may be used, as PNG, upright; None for everywhere.
    """

    name: str
    orientation: int
    size_px: tuple[int, int]
    focal_px: float | None
    thumbnail: ByteImage
    features: Features | None
    mask_png: bytes | None


@dataclass(frozen=True)
class CaptureRig:
    """The rig of the photos in use.

    Attributes:
        rig: One camera for each photo in use.
        source: Where it came from.
        left_out: Why other photos are not used, by name.
        figures: Of the calibration from photos.
    """

    rig: Rig
    source: Literal["colmap", "hugin", "photos"]
    left_out: Mapping[str, str]
    figures: Mapping[str, float]


def inspect_capture(
    files: CaptureFiles, min_overlap: float, thumbnail_px: int
) -> tuple[list[CheckedPhoto], CaptureRig]:
    """Check a capture's photos, and read its rig or calibrate it.

    Args:
        files: Its files.
        min_overlap: Share of an image that another must see for the two to connect.
        thumbnail_px: Longer side of the thumbnails.

    Raises:
        DataError: A photo, a mask or the rig can't be used; says which and what to do.
    """
    given = read_given_rig(files)
    rig = given.rig if isinstance(given, Project) else given
    project = given if isinstance(given, Project) else None
    cameras = {camera.name: camera for camera in rig.cameras} if rig else {}
    photos = [
        _check_photo(name, files, cameras.get(name), project, thumbnail_px)
        for name in cameras or files.photos
    ]
    if rig is None:
        return photos, _calibrate(photos)
    return photos, _connect(rig, files, project, min_overlap)


def read_given_rig(files: CaptureFiles) -> Rig | Project | None:
    """Read the capture's rig or project; None if it has none.

    Raises:
        DataError: The rig can't be read, or a photo is missing for one of its cameras.
    """
    if files.rig is None:
        return None
    given: Rig | Project
    if files.rig.is_file():
        given = hugin.read_project(files.rig)
        rig = given.rig
    else:
        given = rig = colmap.read_rig(files.rig, list(files.photos))
    missing = [camera.name for camera in rig.cameras if camera.name not in files.photos]
    if missing:
        raise DataError(
            f"{files.rig}: the photo of camera {missing[0]!r} is missing ({len(missing)} of "
            f"{len(rig.cameras)} are); photos: {', '.join(files.photos)}. Put it back, or take "
            "the camera out of the rig."
        )
    return given


def _check_photo(
    name: str,
    files: CaptureFiles,
    camera: Camera | None,
    project: Project | None,
    thumbnail_px: int,
) -> CheckedPhoto:
    path = files.photos[name]
    photo = open_photo(path)
    upright = thumbnail(photo.pixels, thumbnail_px)
    orientation = photo.orientation if camera is None else _orientation(photo, camera, path)
    if orientation != photo.orientation:
        photo = open_photo(path, orientation)
    usable = _usable(
        photo, files.masks.get(name), None if project is None else project.usable(name)
    )
    return CheckedPhoto(
        name=name,
        orientation=orientation,
        size_px=photo.size_px,
        focal_px=photo.focal_px,
        thumbnail=upright,
        features=find_features(photo.pixels, usable) if camera is None else None,
        mask_png=None if usable is None else encode_mask(usable),
    )


def _orientation(photo: Photo, camera: Camera, path: Path) -> int:
    """A rig is calibrated for stored pixels; for upright ones where only these have its size."""
    expected = (camera.width_px, camera.height_px)
    if photo.stored_size_px == expected:
        return 1
    if photo.size_px == expected:
        return photo.orientation
    width_px, height_px = photo.stored_size_px
    raise DataError(
        f"{path}: expected {expected[0]} x {expected[1]} px as in the rig, found {width_px} x "
        f"{height_px} px; use the photos that the rig was calibrated with, or scale them back."
    )


def _usable(photo: Photo, mask: Path | None, by_project: BoolArray | None) -> BoolArray | None:
    """Where a photo may be used by its alpha channel, mask file and project; None: everywhere."""
    found = [each for each in (photo.usable, by_project) if each is not None]
    if mask is not None:
        found.append(_read_mask(mask, photo))
    usable = np.logical_and.reduce(found) if found else None
    return None if usable is None or usable.all() else np.asarray(usable, np.bool_)


def _read_mask(path: Path, photo: Photo) -> BoolArray:
    usable = read_mask(path, photo.orientation)
    if usable.shape != photo.pixels.shape[:2]:
        raise DataError(
            f"{path}: expected a mask of {photo.size_px[0]} x {photo.size_px[1]} px like its "
            f"photo, found {usable.shape[1]} x {usable.shape[0]} px; draw it on the photo itself."
        )
    return usable


def _calibrate(photos: list[CheckedPhoto]) -> CaptureRig:
    found = calibrate_features(
        [photo.features for photo in photos if photo.features is not None],
        [photo.size_px for photo in photos],
        [photo.name for photo in photos],
        [photo.focal_px for photo in photos],
    )
    left_out = {photos[index].name: reason for index, reason in found.left_out.items()}
    return CaptureRig(found.rig, "photos", left_out, found.stats)


def _connect(
    rig: Rig, files: CaptureFiles, project: Project | None, min_overlap: float
) -> CaptureRig:
    """Keep the largest set of cameras that overlap; list the others."""
    names = [camera.name for camera in rig.cameras]
    used = largest_connected(len(names), overlapping_pairs(rig, min_overlap))
    if len(used) < MIN_CAMERAS:
        raise DataError(
            f"{files.rig}: no two of the {len(names)} cameras overlap by {min_overlap:.0%} of an "
            "image (ingest.min_overlap); check the rotations and focal lengths of the rig."
        )
    reasons = dict.fromkeys(files.photos, "the rig has no camera of this name")
    reasons |= dict.fromkeys(names, f"does not overlap with the {len(used)} photos in use")
    if project is not None:
        reasons |= dict.fromkeys(project.switched_off, "switched off in the project")
    in_use = {names[index] for index in used}
    left_out = {name: why for name, why in reasons.items() if name not in in_use}
    return CaptureRig(
        rig=replace(rig, cameras=tuple(rig.cameras[index] for index in used)),
        source="colmap" if project is None else "hugin",
        left_out=left_out,
        figures={},
    )
