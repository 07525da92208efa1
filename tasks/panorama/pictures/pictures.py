"""Pictures of a result: before and after at the worst seams, side by side and on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.algorithms.stitch.canvas import Box, columns_of
from tasks.panorama.algorithms.stitch.seam_excess import SeamExcess
from tasks.panorama.types import ByteImage, FloatArray

_CAPTION_PX = 28
_GAP_PX = 6
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.55
_INK, _PAPER = (235, 235, 235), (32, 32, 32)
_SMOOTHED_PLACES = 48  # a place is as bad as the seam around it
_SHEET_WIDTH_PX = 1800


@dataclass(frozen=True)
class WorstPlace:
    """A place on a seam where two images disagree.

    Attributes:
        pair: The images.
        column_px: Column on the panorama of the seams' size.
        row_px: Row.
        difference: How far the images are apart around it, grey levels.
    """

    pair: tuple[int, int]
    column_px: int
    row_px: int
    difference: float

    def is_near(self, other: WorstPlace, distance_px: float) -> bool:
        """Tell whether another place is nearer than a distance."""
        apart = np.hypot(self.column_px - other.column_px, self.row_px - other.row_px)
        return bool(apart < distance_px)


def worst_places(seams: Sequence[SeamExcess], count: int, apart_px: int) -> list[WorstPlace]:
    """Find where images disagree most along seams.

    Args:
        seams: The seams of a panorama.
        count: How many places at most.
        apart_px: Least distance between two places, on the panorama of the seams.

    Returns:
        The worst first.
    """
    candidates: list[WorstPlace] = []
    for seam in seams:
        along = int(np.argmax(np.ptp(seam.places_px, axis=0)))
        order = np.argsort(seam.places_px[:, along], kind="stable")
        smooth = _smoothed(seam.differences[order])
        places = seam.places_px[order]
        for index in np.argsort(-smooth, kind="stable")[:: max(1, _SMOOTHED_PLACES // 8)]:
            column, row = places[index]
            candidates.append(WorstPlace(seam.pair, int(column), int(row), float(smooth[index])))
    candidates.sort(key=lambda place: -place.difference)
    chosen: list[WorstPlace] = []
    for place in candidates:
        if len(chosen) == count:
            break
        if not any(place.is_near(other, apart_px) for other in chosen):
            chosen.append(place)
    return chosen


def window_around(place: WorstPlace, factor: int, size_px: tuple[int, int], covered: Box) -> Box:
    """Window of a panorama around a place, within what is covered as far as it can be.

    Args:
        place: The place, on a panorama that is smaller by `factor`.
        factor: See above.
        size_px: (width, height) of the window; smaller where less is covered.
        covered: Box of the covered part of the panorama.

    Returns:
        The window.
    """
    width_px, height_px = min(size_px[0], covered.width_px), min(size_px[1], covered.height_px)
    left_px = place.column_px * factor - width_px // 2
    top_px = place.row_px * factor - height_px // 2
    return Box(
        int(np.clip(left_px, covered.left_px, covered.right_px - width_px)),
        int(np.clip(top_px, covered.top_px, covered.bottom_px - height_px)),
        width_px,
        height_px,
    )


def crop(panorama: ByteImage, window: Box) -> ByteImage:
    """Cut an unrolled window out of a whole panorama."""
    rows = slice(window.top_px, window.bottom_px)
    return np.ascontiguousarray(panorama[rows][:, columns_of(window, panorama.shape[1])])


def side_by_side(
    before: ByteImage, after: ByteImage, before_caption: str, after_caption: str
) -> ByteImage:
    """Put two pictures of one size beside each other, each with a caption above."""
    left, right = captioned(before, before_caption), captioned(after, after_caption)
    gap = np.full((left.shape[0], _GAP_PX, 3), _PAPER, np.uint8)
    return np.hstack([left, gap, right])


def captioned(picture: ByteImage, caption: str) -> ByteImage:
    """Put a line of text above a picture, shortened to its width."""
    strip = np.full((_CAPTION_PX, picture.shape[1], 3), _PAPER, np.uint8)
    text = _plain(caption)
    while text and cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)[0][0] > picture.shape[1] - 12:
        text = text[:-1]
    cv2.putText(strip, text, (6, 19), _FONT, _FONT_SCALE, _INK, 1, cv2.LINE_AA)
    return np.vstack([strip, picture])


def stacked(pictures: Sequence[ByteImage]) -> ByteImage:
    """Put pictures below each other, with gaps, on a sheet as wide as the widest."""
    width_px = max(picture.shape[1] for picture in pictures)
    rows: list[ByteImage] = []
    for picture in pictures:
        row = np.full((picture.shape[0] + _GAP_PX, width_px, 3), _PAPER, np.uint8)
        row[: picture.shape[0], : picture.shape[1]] = picture
        rows.append(row)
    return np.vstack(rows)


def contact_sheet(pictures: Sequence[ByteImage], width_px: int = _SHEET_WIDTH_PX) -> ByteImage:
    """Lay pictures out in rows, each row as high as its highest picture."""
    rows: list[ByteImage] = []
    row: list[ByteImage] = []
    for picture in pictures:
        if row and sum(p.shape[1] + _GAP_PX for p in row) + picture.shape[1] > width_px:
            rows.append(_row(row))
            row = []
        row.append(picture)
    rows.append(_row(row))
    return stacked(rows)


def fitted(picture: ByteImage, width_px: int) -> ByteImage:
    """Shrink a picture to a width, if it is wider."""
    if picture.shape[1] <= width_px:
        return picture
    height_px = max(1, round(picture.shape[0] * width_px / picture.shape[1]))
    return np.asarray(
        cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8
    )


def _row(pictures: Sequence[ByteImage]) -> ByteImage:
    height_px = max(picture.shape[0] for picture in pictures)
    parts: list[ByteImage] = []
    for picture in pictures:
        part = np.full((height_px, picture.shape[1] + _GAP_PX, 3), _PAPER, np.uint8)
        part[: picture.shape[0], : picture.shape[1]] = picture
        parts.append(part)
    return np.hstack(parts)


def _smoothed(values: FloatArray) -> FloatArray:
    kernel = np.ones(min(_SMOOTHED_PLACES, len(values)))
    return np.asarray(np.convolve(values, kernel / len(kernel), mode="same"))


def _plain(text: str) -> str:
    """The fonts of OpenCV hold ASCII only."""
    return text.encode("ascii", "replace").decode("ascii")
