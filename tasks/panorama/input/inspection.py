"""Inspection of a capture: every photo and mask is read once and checked against the rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.calibrate_photos import calibrate_features
from tasks.panorama.algorithms.calibrate.features import Features, find_features
from tasks.panorama.algorithms.calibrate.upright import (
    ANY_LEAN_DEG,
    CALIBRATION_NOISE_DEG,
    CAR_S_LEAN_DEG,
    upright,
)
from tasks.panorama.camera.overlaps import largest_connected, overlapping_pairs
from tasks.panorama.input.captures import CaptureFiles
from tasks.panorama.input.photos import Photo, open_photo, read_mask
from tasks.panorama.input.rig_files import colmap, hugin
from tasks.panorama.input.rig_files.checks import MIN_CAMERAS
from tasks.panorama.input.rig_files.hugin import photo_of
from tasks.panorama.manifests import PhotoFacts
from tasks.panorama.types import ByteImage, Camera, Rig
from tasks.report.sheet import thumbnail


@dataclass(frozen=True)
class CheckedPhoto:
    """What stays in memory of a photo.

    Attributes:
        name: Its name, that of its camera.
        path: Its file, which may hold the photos of several cameras.
        orientation: EXIF orientation to apply to the stored pixels.
        size_px: Width and height after that.
        focal_px: Focal length by EXIF, None if unknown.
        thumbnail: The photo, small and upright.
        features: For calibration; None where a rig is given.
        facts: Where, when and by whom it was taken.
    """

    name: str
    path: Path
    orientation: int
    size_px: tuple[int, int]
    focal_px: float | None
    thumbnail: ByteImage
    features: Features | None
    facts: PhotoFacts


@dataclass(frozen=True)
class CaptureRig:
    """The rig of the photos in use.

    Attributes:
        rig: One camera for each photo in use.
        source: Where it came from.
        left_out: Why other photos are not used, by name.
        figures: Of the calibration from photos.
        forward_deg: How far right of the middle that lies which lay there as the rig was given.
    """

    rig: Rig
    source: Literal["colmap", "hugin", "photos"]
    left_out: Mapping[str, str]
    figures: Mapping[str, float]
    forward_deg: float = 0.0


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
    cameras = {camera.name: camera for camera in given.cameras} if given else {}
    photos = [
        _check_photo(name, files, cameras.get(name), thumbnail_px)
        for name in cameras or files.photos
    ]
    if given is None:
        return photos, _calibrate(photos)
    return photos, _connect(given, files, min_overlap)


def read_given_rig(files: CaptureFiles) -> Rig | None:
    """Read the capture's rig; None if it has none.

    Raises:
        DataError: The rig can't be read, or a photo is missing for one of its cameras.
    """
    if files.rig is None:
        return None
    if files.rig.is_file():
        rig = hugin.read_rig(files.rig, list(files.photos), files.frame)
    else:
        rig = colmap.read_rig(files.rig, list(files.photos), files.frame)
    names = [camera.name for camera in rig.cameras]
    missing = [name for name in names if photo_of(name, files.photos) not in files.photos]
    if missing:
        raise DataError(
            f"{files.rig}: the photo of camera {missing[0]!r} is missing ({len(missing)} of "
            f"{len(rig.cameras)} are); photos: {', '.join(files.photos)}. Put it back, or take "
            "the camera out of the rig."
        )
    return rig


def _check_photo(
    name: str, files: CaptureFiles, camera: Camera | None, thumbnail_px: int
) -> CheckedPhoto:
    source = photo_of(name, files.photos)
    path = files.photos[source]
    photo = open_photo(path)
    features = find_features(photo.pixels) if camera is None else None
    orientation = photo.orientation if camera is None else _orientation(photo, camera, path)
    size = photo.size_px if orientation == photo.orientation else photo.stored_size_px
    if source in files.masks:
        _check_mask(files.masks[source], orientation, size)
    return CheckedPhoto(
        name=name,
        path=path,
        orientation=orientation,
        size_px=size,
        focal_px=photo.focal_px,
        thumbnail=thumbnail(photo.pixels, thumbnail_px),
        features=features,
        facts=photo.facts,
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


def _check_mask(path: Path, orientation: int, size_px: tuple[int, int]) -> None:
    height_px, width_px = read_mask(path, orientation).shape
    if (width_px, height_px) != size_px:
        raise DataError(
            f"{path}: expected a mask of {size_px[0]} x {size_px[1]} px like its photo, found "
            f"{width_px} x {height_px} px; draw it on the photo itself."
        )


def _calibrate(photos: list[CheckedPhoto]) -> CaptureRig:
    found = calibrate_features(
        [photo.features for photo in photos if photo.features is not None],
        [photo.size_px for photo in photos],
        [photo.name for photo in photos],
        [photo.focal_px for photo in photos],
    )
    left_out = {photos[index].name: reason for index, reason in found.left_out.items()}
    return CaptureRig(found.rig, "photos", left_out, found.stats)


def _connect(rig: Rig, files: CaptureFiles, min_overlap: float) -> CaptureRig:
    """Keep the largest set of cameras that overlap; list the others."""
    names = [camera.name for camera in rig.cameras]
    used = largest_connected(len(names), overlapping_pairs(rig, min_overlap))
    if len(used) < MIN_CAMERAS:
        raise DataError(
            f"{files.rig}: no two of the {len(names)} cameras overlap by {min_overlap:.0%} of an "
            "image (ingest.min_overlap); check the rotations and focal lengths of the rig."
        )
    left_out = {
        name: f"does not overlap with the {len(used)} photos in use"
        for index, name in enumerate(names)
        if index not in used
    }
    known = {photo_of(name, files.photos) for name in names}
    left_out.update(
        {name: "the rig has no camera of this name" for name in files.photos if name not in known}
    )
    connected = replace(rig, cameras=tuple(rig.cameras[index] for index in used))
    # The truth of a simulated capture lies in the rig's frame.
    level, forward_deg = (
        (connected, 0.0) if files.truth else upright(connected, _kept_lean_deg(files.rig))
    )
    is_project = files.rig is not None and files.rig.is_file()
    return CaptureRig(
        rig=level,
        source="hugin" if is_project else "colmap",
        left_out=left_out,
        figures={},
        forward_deg=forward_deg,
    )


def _kept_lean_deg(rig: Path | None) -> float:
    """How much a rig may lean and count as level, by the file that it came from."""
    if rig is None or rig.is_file():
        return ANY_LEAN_DEG
    has_world = (rig / "frames.txt").is_file() or not (rig / "rigs.txt").is_file()
    return CAR_S_LEAN_DEG if has_world else CALIBRATION_NOISE_DEG
