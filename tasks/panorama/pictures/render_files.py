"""The files of a rendered capture: panorama, before, and crops at the worst seams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.algorithms.place.canvas import Box, bounding_box, whole
from tasks.panorama.algorithms.stitch.restitch import (
    PROOF_FACTOR,
    Restitched,
    unrepaired_windows,
)
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.pictures.gpano import GPano, write_panorama_jpeg
from tasks.panorama.pictures.imprint import UNKNOWN, Imprint
from tasks.panorama.pictures.layout import captioned, fitted, side_by_side, stacked
from tasks.panorama.pictures.worst_places import WorstPlace, crop, window_around, worst_places
from tasks.panorama.types import UNREPAIRED, ByteImage

_CROP_SIZE_PX = (480, 320)
_NUM_CROPS = 4
_CROPS_APART_PX = 240


def write_panorama(path: Path, found: Restitched, quality: int, imprint: Imprint = UNKNOWN) -> None:
    """Write the published panorama, cropped to what it covers.

    Args:
        path: The JPEG file.
        found: The capture, stitched.
        quality: JPEG quality, 1 to 100.
        imprint: Where its photos come from.

    Raises:
        DataError: Nothing is covered.
        ResourceError: The disk is full.
    """
    num_photos = len(found.sources.colours)
    _write_cropped(path, found.panorama, found.labels, num_photos, quality, imprint)


def write_before(path: Path, found: Restitched, quality: int, imprint: Imprint = UNKNOWN) -> None:
    """Write the unrepaired stitch, smaller by `PROOF_FACTOR`; see `write_panorama`.

    Raises:
        DataError: Nothing is covered.
        ResourceError: The disk is full.
    """
    before = found.assessments[UNREPAIRED]
    num_photos = len(found.sources.colours)
    _write_cropped(path, before.picture, before.labels, num_photos, quality, imprint)


def worst_seams(found: Restitched) -> list[WorstPlace]:
    """Choose the worst places of seams, on a panorama smaller by `PROOF_FACTOR`.

    Half of them are where the unrepaired images differ most, half where the published ones
    still do, so that what a repair spoils is seen too.
    """
    width_px = found.sources.panorama_width_px
    apart_px = max(16, _CROPS_APART_PX * width_px // 8192)
    before, after = (found.assessments[way].seams for way in (UNREPAIRED, found.decision.published))
    places = worst_places(before, _NUM_CROPS // 2, apart_px)
    for place in worst_places(after, _NUM_CROPS, apart_px):
        if len(places) < _NUM_CROPS and all(not place.is_near(p, apart_px) for p in places):
            places.append(place)
    return places


def worst_crops(
    found: Restitched,
    places: Sequence[WorstPlace],
    name: str,
    photos: Sequence[str],
    num_bands: int,
) -> list[ByteImage]:
    """Draw the worst seams, each before and after side by side.

    Args:
        found: The capture, stitched.
        places: Its worst seams.
        name: Of the capture, for the captions.
        photos: Names of its photos, for the captions.
        num_bands: Of the blend.
    """
    covered = _covered(found.labels)
    windows = [window_around(place, PROOF_FACTOR, _CROP_SIZE_PX, covered) for place in places]
    seams = [" and ".join(photos[index] for index in place.pair) for place in places]
    return [
        side_by_side(
            before,
            crop(found.panorama, window),
            f"{name}: unrepaired, {seam}",
            f"published: {found.decision.published}",
        )
        for before, window, seam in zip(
            unrepaired_windows(found, windows, num_bands), windows, seams, strict=True
        )
    ]


def before_after(found: Restitched, name: str, crops: Sequence[ByteImage]) -> ByteImage:
    """Put crops above the whole published panorama."""
    box = _covered(found.labels)
    panorama = found.panorama[box.slices(whole(found.labels.shape[1]))]
    width_px = max([picture.shape[1] for picture in crops], default=2 * _CROP_SIZE_PX[0])
    overview = captioned(fitted(panorama, width_px), f"{name}: {found.decision.published}")
    return stacked([*crops, overview])


def _write_cropped(
    path: Path,
    panorama: ByteImage,
    labels: LabelMap,
    num_photos: int,
    quality: int,
    imprint: Imprint,
) -> None:
    height_px, width_px = labels.shape
    box = _covered(labels)
    cut = np.ascontiguousarray(panorama[box.slices(whole(width_px))])
    place = GPano(
        full_width_px=width_px,
        full_height_px=height_px,
        left_px=box.left_px,
        top_px=box.top_px,
        num_photos=num_photos,
        imprint=imprint,
    )
    write_panorama_jpeg(path, cut, place, quality)


def _covered(labels: LabelMap) -> Box:
    box = bounding_box(labels != UNCOVERED)
    if box is None:
        raise DataError("expected images that cover a part of the panorama, got none that do")
    return box
