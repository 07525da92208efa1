"""Drawings that lie over a panorama: where its photos meet, and how far they were moved."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi

import cv2
import numpy as np
from PIL import Image

from tasks.panorama.algorithms.place.source_maps import Maps, SourceMap, covers
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.camera.camera import rays
from tasks.panorama.types import BoolArray, FloatArray, Rig

_WIDTH_PX = 4096  # of a drawing, at most
_SCOUT_WIDTH_PX = 256  # of the look for the middles of photos
_ARROWS_ACROSS = 64  # round the horizon
_LONGEST_ARROW = 1.5  # in distances between arrows
_FACTORS = (50, 30, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1)
_LONG_QUANTILE = 0.99
# A yellow line within a dark casing is seen on any picture.
_CASING_AND_LINE, _ALPHAS = [0, 0, 0, 20, 20, 20, 255, 220, 30], bytes((0, 150, 255))


@dataclass(frozen=True)
class Shifts:
    """How far a repair moved what the photos show.

    Attributes:
        width_px: Width of the panorama.
        before_px: (n, 2) places by the calibration as it was given.
        after_px: (n, 2) places of the same things on the published panorama.
    """

    width_px: int
    before_px: FloatArray
    after_px: FloatArray

    @property
    def moved_px(self) -> FloatArray:
        """(n, 2) the shortest way from before to after, round the back where that is shorter."""
        moved = self.after_px - self.before_px
        moved[:, 0] = (moved[:, 0] + self.width_px / 2) % self.width_px - self.width_px / 2
        return moved

    @property
    def long_px(self) -> float:
        """The 99th percentile of their lengths, as angles: a pixel at the horizon."""
        latitude = pi / 2 - (self.after_px[:, 1] + 0.5) * 2 * pi / self.width_px
        moved = self.moved_px
        lengths = np.hypot(moved[:, 0] * np.cos(latitude), moved[:, 1])
        return float(np.quantile(lengths, _LONG_QUANTILE)) if len(lengths) else 0.0


def seam_lines(labels: LabelMap) -> bytes:
    """Draw where photos meet.

    Args:
        labels: Partition of the panorama.

    Returns:
        PNG of the whole sphere, transparent but for the lines.
    """
    small = _shrunk(labels, min(_WIDTH_PX, labels.shape[1]))
    right, below = np.roll(small, -1, axis=1), np.vstack([small[1:], small[-1:]])
    met = np.zeros(small.shape, np.bool_)
    for other in (right, below):
        met |= (small != other) & (small != UNCOVERED) & (other != UNCOVERED)
    inks = np.zeros(small.shape, np.uint8)
    for ink, thickness_px in ((1, 7), (2, 3)):
        inks[_thickened(met, thickness_px)] = ink
    drawing = Image.fromarray(inks)
    drawing.putpalette(_CASING_AND_LINE)
    file = io.BytesIO()
    drawing.save(file, "png", transparency=_ALPHAS, bits=2)
    return file.getvalue()


def photo_middles(labels: LabelMap) -> dict[int, tuple[float, float]]:
    """Find where each photo shows most around it.

    Args:
        labels: Partition of the panorama.

    Returns:
        (yaw, pitch) in degrees, as `direction_of`, by the photo's index; of those that show any.
    """
    small = _shrunk(labels, _SCOUT_WIDTH_PX)
    middles = {}
    for index in np.unique(small[small != UNCOVERED]).tolist():
        around = np.tile((small == index).astype(np.uint8), (1, 3))
        around[[0, -1]] = 0
        depth = cv2.distanceTransform(around, cv2.DIST_L2, 3)[:, _SCOUT_WIDTH_PX:][
            :, :_SCOUT_WIDTH_PX
        ]
        row, column = np.unravel_index(np.argmax(depth), depth.shape)
        middles[index] = direction_of(float(column), float(row), _SCOUT_WIDTH_PX)
    return middles


def direction_of(column_px: float, row_px: float, width_px: int) -> tuple[float, float]:
    """Return (yaw, pitch) of a pixel in degrees: 0, 0 in the middle, to the right and up."""
    return (column_px + 0.5) / width_px * 360 - 180, 90 - (row_px + 0.5) / width_px * 360


def shifts_of(maps: Maps, labels: LabelMap, nominal: Rig) -> Shifts:
    """Measure how far a repair moved what the photos show, on a grid.

    Args:
        maps: Where the published way puts the images.
        labels: Partition of the published panorama.
        nominal: The calibration as it was given.
    """
    width_px = labels.shape[1]
    before, after = [np.empty((0, 2))], [np.empty((0, 2))]
    for index, (found, camera) in enumerate(zip(maps, nominal.cameras, strict=True)):
        for places_px, sources_px in _shown(found, index, labels):
            directions = rays(camera, sources_px)
            longitude = np.arctan2(directions[:, 0], directions[:, 2])
            latitude = np.arcsin(np.clip(-directions[:, 1], -1, 1))
            columns = (longitude / (2 * pi) + 0.5) * width_px - 0.5
            rows = (0.25 - latitude / (2 * pi)) * width_px - 0.5
            before.append(np.stack([columns, rows], axis=1))
            after.append(places_px)
    return Shifts(width_px, np.concatenate(before), np.concatenate(after))


def arrow_factor(shifts: Shifts) -> int:
    """How many times as long as the shifts arrows are drawn: long enough, yet not crossing."""
    most_px = _LONGEST_ARROW * shifts.width_px / _ARROWS_ACROSS
    return next((factor for factor in _FACTORS if factor * shifts.long_px <= most_px), 1)


def _shown(
    found: SourceMap | None, index: int, labels: LabelMap
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Pixels of a grid at which an image is shown, row by row, and where in it they lie."""
    if found is None:
        return
    width_px, step_px = labels.shape[1], found.step_px
    every = max(1, width_px // _ARROWS_ACROSS // step_px)
    for row in range(-found.first_row % every, found.nodes_px.shape[0], every):
        row_px = (found.first_row + row + 0.5) * step_px - 0.5
        if not 0 <= row_px < labels.shape[0]:
            continue
        # Towards the poles a column is narrower, so fewer of them are enough.
        apart = every * round(1 / max(cos(pi / 2 - (row_px + 0.5) * 2 * pi / width_px), 0.1))
        columns = np.arange(-found.first_column % apart, found.nodes_px.shape[1], apart)
        columns_px = ((found.first_column + columns + 0.5) * step_px - 0.5) % width_px
        chosen = labels[int(row_px), columns_px.astype(int)] == index
        chosen &= covers(found, found.nodes_px[row, columns])
        rows_px = np.full(int(chosen.sum()), row_px)
        sources_px = found.nodes_px[row, columns[chosen]].astype(np.float64)
        yield np.stack([columns_px[chosen], rows_px], axis=1), sources_px


def _shrunk(labels: LabelMap, width_px: int) -> LabelMap:
    size = (width_px, width_px // 2)
    return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _thickened(mask: BoolArray, width_px: int) -> BoolArray:
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), shape), np.bool_)
