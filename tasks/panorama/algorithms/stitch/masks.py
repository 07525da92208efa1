"""Masked pixels are kept out of the panorama wherever another image shows the place.

A masked pixel counts as uncovered: its place goes to the image in which it lies farthest from the
border, among those that show it unmasked. Where none does, the masked pixel is the last resort:
it is published, and counted. Even then no other place sees it: images are blended with their
masked pixels filled from beside (`place.filling`), and the last resort is put in afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.light.offsets import Offsets
from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import Maps, SourceMap, border_distance
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, IntArray

_LEAST_SHARE = 0.1  # of a pixel of the panorama that is masked: above what bicubic sampling rings


@dataclass(frozen=True)
class Masked:
    """What is masked of one image, as fine as the panorama needs.

    Attributes:
        share: (h, w) float32, how much of each pixel is masked, 0..1.
        colours: (n, 3) float32 the image's own colours where that is above 0, in order.
    """

    share: Float32Array
    colours: Float32Array


def masked_of(
    image: Float32Array, usable: BoolArray | None, focal_px: float, panorama_width_px: int
) -> Masked | None:
    """Keep what a mask hides of an image; None where it hides nothing.

    Args:
        image: (h, w, 3) the image with what is masked, evened out.
        usable: (h, w), False on what is masked.
        focal_px: Pixels a radian of the image.
        panorama_width_px: Width of the panorama.
    """
    if usable is None or usable.all():
        return None
    share = prefiltered((~usable).astype(np.float32), focal_px, panorama_width_px)
    return Masked(share, prefiltered(image, focal_px, panorama_width_px)[share > 0])


def reduced_masked(
    masked: Masked | None, clean: Float32Array, focal_px: float, panorama_width_px: int
) -> Masked | None:
    """Return the same for a smaller panorama; `clean` is the filled image that it belongs to."""
    if masked is None:
        return None
    share = prefiltered(masked.share, focal_px, panorama_width_px)
    whole = prefiltered(with_masked(clean, masked), focal_px, panorama_width_px)
    return Masked(share, whole[share > 0])


def with_masked(clean: Float32Array, masked: Masked) -> Float32Array:
    """The image with its masked pixels, which `clean` has filled."""
    result = clean.copy()
    result[masked.share > 0] = masked.colours
    return result


def hidden(masked: Masked | None, found: SourceMap, box: Box) -> BoolArray:
    """Which pixels of a box of the panorama an image shows only masked: (height, width)."""
    if masked is None:
        return np.zeros((box.height_px, box.width_px), np.bool_)
    focal_px = found.focal_px * masked.share.shape[1] / found.image_size_px[0]
    share = prefiltered(masked.share, focal_px, found.panorama_width_px)
    return np.asarray(warp(share, found, box) > _LEAST_SHARE, np.bool_)


def kept_out(labels: LabelMap, maps: Maps, masked: Sequence[Masked | None]) -> LabelMap:
    """Give the place of masked pixels to images that show it unmasked.

    Args:
        labels: (height, width) index of the image; `UNCOVERED` where there is none.
        maps: One map per image, None where an image covers nothing.
        masked: What is masked of each, for that width.

    Returns:
        The labels; the same where no other image shows a masked pixel's place.
    """
    result = labels.copy()
    for index, box, place in _owned_and_masked(labels, maps, masked):
        best = np.zeros(int(place.sum()), np.float32)
        owner = np.full(len(best), index, np.uint8)
        for other, found in enumerate(maps):
            if found is None or other == index:
                continue
            distance = np.where(
                hidden(masked[other], found, box)[place], 0, border_distance(found, box)[place]
            )
            owner = np.where(distance > best, np.uint8(other), owner)
            best = np.maximum(best, distance)
        result[_at(place, box, labels.shape[1])] = owner
    return result


def put_in_last_resorts(
    picture: ByteImage,
    labels: LabelMap,
    maps: Maps,
    colours: Sequence[Float32Array],
    masked: Sequence[Masked | None],
    offsets: Mapping[int, Offsets],
) -> None:
    """Show masked pixels where no image shows the place unmasked; changes `picture`.

    Args:
        picture: (height, width, 3) the blended panorama.
        labels: (height, width) what `kept_out` returned.
        maps: One map per image.
        colours: The filled image of each.
        masked: What is masked of each.
        offsets: With what they meet in brightness, by image.
    """
    for index, box, place in _owned_and_masked(labels, maps, masked):
        found, mask = maps[index], masked[index]
        if found is not None and mask is not None:
            pixels = warp(with_masked(colours[index], mask), found, box)
            if index in offsets:
                pixels *= offsets[index].factors(box)
            at = _at(place, box, labels.shape[1])
            picture[at] = np.clip(np.rint(pixels[place]), 0, 255).astype(np.uint8)


def last_resort_share(labels: LabelMap, maps: Maps, masked: Sequence[Masked | None]) -> float:
    """Share of the panorama's covered pixels that show what a mask excludes, 0..1."""
    num = sum(int(place.sum()) for _, _, place in _owned_and_masked(labels, maps, masked))
    return num / max(int((labels != UNCOVERED).sum()), 1)


def _owned_and_masked(
    labels: LabelMap, maps: Maps, masked: Sequence[Masked | None]
) -> Iterator[tuple[int, Box, BoolArray]]:
    """Masked images, the box of each, and where in it the image owns what it shows masked."""
    for index, (found, mask) in enumerate(zip(maps, masked, strict=True)):
        if found is None or mask is None:
            continue
        box = found.box
        rows = slice(box.top_px, box.bottom_px)
        mine = labels[rows][:, columns_of(box, labels.shape[1])] == index
        place = mine & hidden(mask, found, box)
        if place.any():
            yield index, box, place


def _at(place: BoolArray, box: Box, width_px: int) -> tuple[IntArray, IntArray]:
    """Rows and columns of the panorama of places in a box."""
    rows, columns = np.nonzero(place)
    return rows + box.top_px, (columns + box.left_px) % width_px
