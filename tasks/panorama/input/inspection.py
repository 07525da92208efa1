"""Inspection of a capture: every photo and mask is read once and checked against the rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.calibrate_photos import calibrate_features
from tasks.panorama.algorithms.calibrate.features import Features, find_features
from tasks.panorama.algorithms.calibrate.upright import upright
from tasks.panorama.camera.lenses import PROJECTIONS
from tasks.panorama.camera.overlaps import largest_connected, overlapping_pairs
from tasks.panorama.camera.projections import RECTILINEAR
from tasks.panorama.check_records import CaptureCheck
from tasks.panorama.config import InspectConfig
from tasks.panorama.input.captures import CaptureFiles
from tasks.panorama.input.given_rig import GivenRig, read_given_rig
from tasks.panorama.input.photo_checks import (
    Doubts,
    doubts_of_photos,
    doubts_of_rig,
)
from tasks.panorama.input.photos import Photo, decode_mask, encode_mask, open_photo, read_mask
from tasks.panorama.input.rig_files.checks import MIN_CAMERAS
from tasks.panorama.input.rig_files.hugin import photo_of
from tasks.panorama.photo_records import PhotoFacts
from tasks.panorama.types import BoolArray, ByteImage, Camera, Rig
from tasks.report.sheet import thumbnail

# Where a rig is given, features only serve to check it: these are enough for that.
_CHECK_PIXELS, _CHECK_FEATURES = 150_000, 600


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
        features: For calibration; fewer where a rig is given, to check it.
        mask_png: Where it may be used, as PNG, upright; None for everywhere.
        facts: Where, when and by whom it was taken.
    """

    name: str
    path: Path
    orientation: int
    size_px: tuple[int, int]
    focal_px: float | None
    thumbnail: ByteImage
    features: Features
    mask_png: bytes | None
    facts: PhotoFacts


@dataclass(frozen=True)
class CaptureRig:
    """The rig of the photos in use.

    Attributes:
        rig: One camera for each photo in use.
        source: Where it came from.
        left_out: Why other photos are not used, by name.
        figures: Of the calibration from photos.
        check: Whether rig and photos belong together.
        forward_deg: How far right of the middle that lies which lay there as the rig was given.
    """

    rig: Rig
    source: Literal["colmap", "hugin", "photos"]
    left_out: Mapping[str, str]
    figures: Mapping[str, float]
    check: CaptureCheck
    forward_deg: float = 0.0


def inspect_capture(
    files: CaptureFiles, config: InspectConfig
) -> tuple[list[CheckedPhoto], CaptureRig]:
    """Check a capture's photos, and read its rig or calibrate it.

    Args:
        files: Its files.
        config: Which photos connect, whether rigs are trusted, and the size of thumbnails.

    Raises:
        DataError: A photo, a mask or the rig can't be used; says which and what to do.
    """
    given = read_given_rig(files)
    if given is None:
        photos = [_check_photo(name, files, None, None, config) for name in files.photos]
        return photos, _calibrate(photos, doubts_of_photos(photos, None))
    photos = [
        _check_photo(camera.name, files, camera, given.usable(camera.name), config)
        for camera in given.rig.cameras
    ]
    doubts = doubts_of_photos(photos, given.rig)
    doubts = doubts_of_rig(photos, given.rig, doubts, config.min_overlap, given.name)
    if doubts.rig_fault and not config.trust_rigs:
        calibrated = _calibrate_anew(photos, given, doubts)
        if calibrated is not None:
            return photos, calibrated
    return photos, _connect(given, files, doubts, config)


def _check_photo(
    name: str,
    files: CaptureFiles,
    camera: Camera | None,
    by_project: BoolArray | None,
    config: InspectConfig,
) -> CheckedPhoto:
    source = photo_of(name, files.photos)
    path = files.photos[source]
    photo = open_photo(path)
    small = thumbnail(photo.pixels, config.thumbnail_px)
    orientation = photo.orientation if camera is None else _orientation(photo, camera, path)
    if orientation != photo.orientation:
        photo = open_photo(path, orientation)
    usable = _usable(photo, files.masks.get(source), by_project)
    return CheckedPhoto(
        name=name,
        path=path,
        orientation=orientation,
        size_px=photo.size_px,
        focal_px=photo.focal_px,
        thumbnail=small,
        features=_features(photo, usable, camera),
        mask_png=None if usable is None else encode_mask(usable),
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


def _features(photo: Photo, usable: BoolArray | None, camera: Camera | None) -> Features:
    if camera is None:
        return find_features(photo.pixels, usable)
    return find_features(photo.pixels, usable, _CHECK_PIXELS, _CHECK_FEATURES)


def _calibrate(photos: Sequence[CheckedPhoto], doubts: Doubts) -> CaptureRig:
    """Calibrate the photos that nothing speaks against."""
    chosen = [photo for photo in photos if photo.name not in doubts.useless]
    if len(chosen) < MIN_CAMERAS:
        raise DataError(
            f"expected at least {MIN_CAMERAS} photos that differ and show something, found "
            f"{len(chosen)} of {len(photos)}; put photos of other directions there."
        )
    found = calibrate_features(
        [photo.features for photo in chosen],
        [photo.size_px for photo in chosen],
        [photo.name for photo in chosen],
        [photo.focal_px for photo in chosen],
    )
    unlinked = {chosen[index].name: why for index, why in found.left_out.items()}
    doubts = replace(doubts, unlinked=unlinked)
    return CaptureRig(found.rig, "photos", doubts.useless, found.stats, doubts.check())


def _calibrate_anew(
    photos: Sequence[CheckedPhoto], given: GivenRig, doubts: Doubts
) -> CaptureRig | None:
    """Calibrate photos that their rig does not fit; None where they don't hang together either."""
    if any(PROJECTIONS[camera.model] is not RECTILINEAR for camera in given.rig.cameras):
        return None
    fault = (
        f"{given.name}: the rig does not fit these photos, which were calibrated from their "
        "content instead; put the right rig there, or set ingest.trust_rigs"
    )
    doubts = replace(doubts, rig="rejected", rig_fault=fault, overlaps=())
    again = []
    for photo in photos:
        opened = open_photo(photo.path, photo.orientation)
        usable = None if photo.mask_png is None else decode_mask(photo.mask_png)
        again.append(replace(photo, features=find_features(opened.pixels, usable)))
    try:
        found = _calibrate(again, doubts)
    except DataError:
        return None
    if 2 * len(found.rig.cameras) < len(photos) - len(doubts.useless):
        return None
    return replace(found, left_out={**given.left_out, **found.left_out})


def _connect(
    given: GivenRig, files: CaptureFiles, doubts: Doubts, config: InspectConfig
) -> CaptureRig:
    """Keep the largest set of cameras that overlap, but for what is wrong; list the others."""
    rig, names = given.rig, [camera.name for camera in given.rig.cameras]
    connected = largest_connected(len(names), overlapping_pairs(rig, config.min_overlap))
    wrong = doubts.useless
    if not (config.trust_rigs or doubts.rig_fault):
        wrong = {**wrong, **doubts.contradicting}
    used = [index for index in connected if names[index] not in wrong]
    if len(connected) < MIN_CAMERAS:
        raise DataError(
            f"{files.rig}: no two of the {len(names)} cameras overlap by {config.min_overlap:.0%} "
            "of an image (ingest.min_overlap); check the rotations and focal lengths of the rig."
        )
    if len(used) < MIN_CAMERAS:
        first, why = next(iter(wrong.items()))
        raise DataError(
            f"{files.rig}: expected at least {MIN_CAMERAS} photos that fit it, found {len(used)}; "
            f"{first}: {why}. Put the right rig or photos there, or set ingest.trust_rigs."
        )
    apart = [name for index, name in enumerate(names) if index not in connected]
    far = dict.fromkeys(apart, f"does not overlap with the {len(connected)} photos in use")
    level, forward_deg = Rig(tuple(rig.cameras[index] for index in used)), 0.0
    if not files.truth:  # which lies in the frame of the rig as it was given
        level, forward_deg = upright(level, given.kept_lean_deg)
    return CaptureRig(
        rig=level,
        source=given.source,
        left_out={**given.left_out, **far, **wrong},
        figures={},
        check=doubts.check(),
        forward_deg=forward_deg,
    )
