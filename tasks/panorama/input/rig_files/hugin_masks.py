"""What a Hugin project keeps out of its panorama: masks (``k`` lines) and crops (``S``).

Source: Hugin, ``MaskPolygon.h`` and ``Panorama::updateMasks``. A ``k`` line names an image, a
type and a polygon in its pixels:

- ``t0`` excludes the inside from that image, ``t4`` from all images of its lens;
- ``t1`` includes it: whatever other images show there is excluded from them;
- ``t2`` excludes it from all images of its stack, wherever these show it;
- ``t3`` includes it for its stack: it is excluded from the images of other stacks.

``S left,right,top,bottom`` limits an image to a rectangle; that of a circular fisheye (``f2``) to
the circle in it. Images share a lens or a stack where a parameter of one refers to the other's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import BoolArray, Camera, FloatArray

MAX_MASKS = 1000
_MAX_CORNERS = 10_000
_EXCLUDE, _INCLUDE, _EXCLUDE_STACK, _INCLUDE_STACK, _EXCLUDE_LENS = range(5)
_LINE = re.compile(r'^k\s+i(\d{1,6})\s+t(\d)\s+p"([^"]*)"\s*$')
_ROWS_AT_ONCE = 256
_SUBPIXEL_BITS = 4
_MAX_PLACE_PX = 1e5


@dataclass(frozen=True)
class Mask:
    """One ``k`` line.

    Attributes:
        image: Index of the image line that it belongs to.
        kind: Its type, 0 to 4.
        corners_px: (n, 2) corners of the polygon, px of that image.
    """

    image: int
    kind: int
    corners_px: FloatArray


@dataclass(frozen=True)
class Crop:
    """Part of an image that may be used.

    Attributes:
        left: First column.
        right: Column after the last.
        top: First row.
        bottom: Row after the last.
        is_circle: Whether it is the circle in that rectangle.
    """

    left: float
    right: float
    top: float
    bottom: float
    is_circle: bool


@dataclass(frozen=True)
class MaskedImage:
    """An image line, as far as masks go.

    Attributes:
        camera: Its camera.
        is_on: Whether the image is switched on.
        lens: Index of the image whose lens it shares; its own without one.
        stack: Index of the image whose stack it shares.
        crop: Its crop; None without one.
    """

    camera: Camera
    is_on: bool
    lens: int
    stack: int
    crop: Crop | None


def parse_mask(line: str, where: str, num_images: int) -> Mask:
    """Read a ``k`` line.

    Args:
        line: The line.
        where: File and line number, for messages.
        num_images: How many image lines there are.

    Raises:
        DataError: It is no mask of one of these images.
    """
    match = _LINE.match(line)
    corners = match.group(3).split() if match else []
    try:
        places = np.array([float(text) for text in corners]).reshape(-1, 2)
    except ValueError:
        places = np.empty((0, 2))
    if (
        match is None
        or int(match.group(1)) >= num_images
        or int(match.group(2)) > _EXCLUDE_LENS
        or not 3 <= len(places) <= _MAX_CORNERS
        or not (np.abs(places) <= _MAX_PLACE_PX).all()
    ):
        raise DataError(
            f'{where}: expected a mask as k i<image> t<0 to 4> p"x y x y x y …" of one of '
            f"{num_images} images, found {line[:100]!r}; save the project again."
        )
    return Mask(int(match.group(1)), int(match.group(2)), places)


def usable_pixels(
    index: int, images: Sequence[MaskedImage], masks: Sequence[Mask]
) -> BoolArray | None:
    """Where an image may be used.

    Args:
        index: Which image.
        images: All image lines.
        masks: All masks of the project.

    Returns:
        (height, width) False on what is excluded; None if nothing is.
    """
    own = images[index]
    excluded = np.zeros((own.camera.height_px, own.camera.width_px), np.bool_)
    if own.crop is not None:
        excluded |= ~_within(own.crop, own.camera)
    for source, image in enumerate(images):
        here = [mask for mask in masks if mask.image == source]
        shared = [mask for mask in here if _applies(mask, source, index, images)]
        excluded |= _polygons(shared, own.camera)
        far = [mask for mask in here if source != index and _reaches(mask, own, image)]
        if far:
            excluded |= _seen_there(own.camera, image.camera, _polygons(far, image.camera))
    return ~excluded if excluded.any() else None


def _applies(mask: Mask, source: int, index: int, images: Sequence[MaskedImage]) -> bool:
    """Whether a mask's polygon counts in the pixels of an image."""
    if mask.kind == _EXCLUDE_LENS:
        return images[source].lens == images[index].lens
    return source == index and mask.kind in (_EXCLUDE, _EXCLUDE_STACK)


def _reaches(mask: Mask, own: MaskedImage, other: MaskedImage) -> bool:
    """Whether a mask excludes from one image what it outlines in another."""
    if mask.kind == _EXCLUDE_STACK:
        return own.stack == other.stack
    if mask.kind == _INCLUDE_STACK:
        return other.is_on and own.stack != other.stack
    return other.is_on and mask.kind == _INCLUDE


def _within(crop: Crop, camera: Camera) -> BoolArray:
    x = np.arange(camera.width_px) + 0.5
    y = np.arange(camera.height_px)[:, None] + 0.5
    if not crop.is_circle:
        inside = (x > crop.left) & (x < crop.right) & (y > crop.top) & (y < crop.bottom)
        return np.asarray(inside, np.bool_)
    radius = min(crop.right - crop.left, crop.bottom - crop.top) / 2
    away_x, away_y = x - (crop.left + crop.right) / 2, y - (crop.top + crop.bottom) / 2
    return np.asarray(away_x**2 + away_y**2 < radius**2, np.bool_)


def _polygons(masks: Sequence[Mask], camera: Camera) -> BoolArray:
    """(height, width) True inside any of the polygons, their borders included."""
    drawn = np.zeros((camera.height_px, camera.width_px), np.uint8)
    for mask in masks:
        corners = np.rint(mask.corners_px * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(drawn, [corners], (1,), shift=_SUBPIXEL_BITS)
    return drawn > 0


def _seen_there(camera: Camera, other: Camera, marked: BoolArray) -> BoolArray:
    """Which pixels of a camera look where another one's pixels are marked: (height, width)."""
    result = np.zeros((camera.height_px, camera.width_px), np.bool_)
    for top in range(0, camera.height_px, _ROWS_AT_ONCE):
        rows = np.arange(top, min(top + _ROWS_AT_ONCE, camera.height_px))
        x, y = np.meshgrid(np.arange(camera.width_px), rows)
        places, seen = project(other, rays(camera, np.column_stack([x.ravel(), y.ravel()])))
        nearest = np.rint(places[seen]).astype(np.int64)
        column, row = np.clip(nearest, 0, (other.width_px - 1, other.height_px - 1)).T
        strip = np.zeros(len(places), np.bool_)
        strip[seen] = marked[row, column]
        result[rows] = strip.reshape(len(rows), -1)
    return result
