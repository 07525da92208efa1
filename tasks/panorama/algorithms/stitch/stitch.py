"""Put the images of a capture together: one panorama for one alignment and partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.panorama.algorithms.fit.inversion import inverse_field
from tasks.panorama.algorithms.light.exposure import (
    CLIPPED,
    evened,
    fit_shades,
    rolled_off,
    white_point,
)
from tasks.panorama.algorithms.light.offsets import Offsets, fit_offsets
from tasks.panorama.algorithms.light.views import View, views_of
from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.algorithms.place.filling import filled, unknown_where_masked
from tasks.panorama.algorithms.place.source_maps import (
    Maps,
    border_distance,
    focal_of,
    known_map,
    reduced,
    source_maps,
)
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.algorithms.stitch.blend import blend
from tasks.panorama.algorithms.stitch.masks import (
    Masked,
    hidden,
    masked_of,
    put_in_last_resorts,
    reduced_masked,
)
from tasks.panorama.algorithms.stitch.seam_routing import Proof, proof_of
from tasks.panorama.algorithms.stitch.seams import LabelMap
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.types import (
    Alignment,
    BoolArray,
    ByteImage,
    Camera,
    DisplacementField,
    Float32Array,
    FloatArray,
    Photometry,
    Rig,
)

_SHADE_FACTOR = 8
_INVERSE_STEP = 1 / 64  # of the longer side: grid of the inverted fields


@dataclass(frozen=True)
class Sources:
    """The images of a capture, evened out and as fine as the panorama needs.

    Attributes:
        panorama_width_px: Width of the panorama they are meant for.
        colours: One (h, w, 3) float32 BGR image per camera, what is masked filled from beside.
        focals_px: Pixels a radian of each.
        gains: (num_images, 3) BGR gains in all, those of overlaps included; geometric mean 1.
        masked: What is masked of each camera's image; None for nothing.
        small: The same images, far smaller, NaN where masked: brightness is compared on them.
        clipped: Per small image (h, w) where the photo holds no detail.
    """

    panorama_width_px: int
    colours: tuple[Float32Array, ...]
    focals_px: tuple[float, ...]
    gains: FloatArray
    masked: tuple[Masked | None, ...]
    small: tuple[Float32Array, ...]
    clipped: tuple[BoolArray, ...]


def sources_of(
    images: Sequence[ByteImage],
    usable: Sequence[BoolArray | None],
    rig: Rig,
    photometry: Photometry,
    maps: Maps,
) -> Sources:
    """Prepare images; any alignment of them can then be stitched.

    Args:
        images: One (h, w, 3) BGR image per camera.
        usable: Per image None or (h, w), False on what is masked.
        rig: For the images' resolution.
        photometry: Gains and falloff.
        maps: Where the images go on the panorama, to within a few pixels.
    """
    panorama_width_px = known_map(maps).panorama_width_px
    light = _light(images, usable, rig, photometry, maps)
    shades, white = light.shades, light.white
    logs = np.log(photometry.gains) + shades[:, 0]
    colours, focals_px, masked = [], [], []
    for index, (image, camera) in enumerate(zip(images, rig.cameras, strict=True)):
        focal_px = focal_of(camera)
        even = rolled_off(evened(image, photometry, index, shades[index]), white)
        masked.append(masked_of(even, usable[index], focal_px, panorama_width_px))
        colours.append(prefiltered(filled(even, usable[index]), focal_px, panorama_width_px))
        focals_px.append(focal_px * colours[-1].shape[1] / camera.width_px)
    return Sources(
        panorama_width_px=panorama_width_px,
        colours=tuple(colours),
        focals_px=tuple(focals_px),
        gains=np.exp(logs - logs.mean(axis=0)),
        masked=tuple(masked),
        small=light.small,
        clipped=light.clipped,
    )


def reduced_sources(sources: Sources, factor: int) -> Sources:
    """Return the images as fine as a panorama needs that is smaller by a factor."""
    width_px = sources.panorama_width_px // factor
    colours = [
        prefiltered(colour, focal_px, width_px)
        for colour, focal_px in zip(sources.colours, sources.focals_px, strict=True)
    ]
    focals_px = [
        focal_px * small.shape[1] / colour.shape[1]
        for focal_px, small, colour in zip(sources.focals_px, colours, sources.colours, strict=True)
    ]
    masked = [
        reduced_masked(mask, colour, focal_px, width_px)
        for mask, colour, focal_px in zip(
            sources.masked, sources.colours, sources.focals_px, strict=True
        )
    ]
    return replace(
        sources,
        panorama_width_px=width_px,
        colours=tuple(colours),
        focals_px=tuple(focals_px),
        masked=tuple(masked),
    )


def maps_of(alignment: Alignment, panorama_width_px: int) -> Maps:
    """Compute where the directions of the panorama fall in each image of an alignment."""
    inverses = [
        None if field is None else _inverse(field, camera)
        for field, camera in zip(alignment.fields, alignment.rig.cameras, strict=True)
    ]
    return source_maps(alignment.rig, inverses, panorama_width_px)


def reduced_maps(maps: Maps, factor: int) -> Maps:
    """Return maps for a panorama that is smaller by a factor (a power of two up to the step)."""
    return [None if found is None else reduced(found, factor) for found in maps]


def proofs_of(sources: Sources, maps: Maps) -> list[Proof | None]:
    """Make the proofs of all images, of the width of sources and maps."""
    return [
        None if found is None else proof_of(luma_of(colour), mask, found)
        for colour, mask, found in zip(sources.colours, sources.masked, maps, strict=True)
    ]


def offsets_of(views: Mapping[int, View], maps: Maps, labels: LabelMap) -> dict[int, Offsets]:
    """Find what makes images meet in brightness at the seams of a partition; see `stitch`.

    Args:
        views: The images by `views_of`: one a node of the maps, so the same at any size.
        maps: Where the images go, of the width of the labels.
        labels: The partition.
    """
    step_px = known_map(maps).step_px
    return fit_offsets(views, labels[step_px // 2 :: step_px, step_px // 2 :: step_px], step_px)


def stitch(
    sources: Sources,
    maps: Maps,
    labels: LabelMap,
    num_bands: int,
    offsets: Mapping[int, Offsets] | None = None,
) -> ByteImage:
    """Warp and blend the images of a capture.

    Args:
        sources: The images.
        maps: Where they go, one map per image.
        labels: (height, width) which image each pixel of the panorama belongs to; a masked one
            only where no other shows the place (`masks.kept_out`).
        num_bands: Band-pass levels of the blend; 0 puts the images hard side by side.
        offsets: What `offsets_of` found for a partition of which this one is a part; found for
            this one if None.

    Returns:
        (height, width, 3) BGR; 0 where no image covers.
    """
    if offsets is None:
        views = views_of(sources.small, sources.clipped, maps)
        offsets = offsets_of(views, maps, labels)

    def sample(index: int, box: Box) -> tuple[Float32Array, BoolArray]:
        found = maps[index]
        if found is None:
            raise ValueError(f"image {index} has a label but covers nothing")
        shown = border_distance(found, box) > 0
        shown &= ~hidden(sources.masked[index], found, box)
        pixels = warp(sources.colours[index], found, box)
        if index in offsets:
            pixels *= offsets[index].factors(box)
        return pixels, np.asarray(shown, np.bool_)

    picture = blend(labels, len(maps), sample, num_bands)
    put_in_last_resorts(picture, labels, maps, sources.colours, sources.masked, offsets)
    return picture


@dataclass(frozen=True)
class _Light:
    """What is known of a capture's brightness beyond its photometry.

    Attributes:
        shades: As `fit_shades` returns them.
        white: As `white_point` returns it.
        small: Small images, evened and rolled off; NaN where masked.
        clipped: Per small image (h, w) where the photo holds no detail.
    """

    shades: FloatArray
    white: float
    small: tuple[Float32Array, ...]
    clipped: tuple[BoolArray, ...]


def _light(
    images: Sequence[ByteImage],
    usable: Sequence[BoolArray | None],
    rig: Rig,
    photometry: Photometry,
    maps: Maps,
) -> _Light:
    width_px = known_map(maps).panorama_width_px // _SHADE_FACTOR
    small = [
        prefiltered(unknown_where_masked(image, mask), focal_of(camera), width_px)
        for image, mask, camera in zip(images, usable, rig.cameras, strict=True)
    ]
    clipped = tuple(np.asarray(image.max(axis=2) >= CLIPPED, np.bool_) for image in small)
    even = [evened(image, photometry, i) for i, image in enumerate(small)]
    shades = fit_shades(views_of(even, clipped, maps), len(images))
    even = [evened(image, photometry, i, shades[i]) for i, image in enumerate(small)]
    white = white_point(small, even)
    return _Light(shades, white, tuple(rolled_off(image, white) for image in even), clipped)


def _inverse(field: DisplacementField, camera: Camera) -> DisplacementField:
    step_px = max(4.0, _INVERSE_STEP * max(camera.width_px, camera.height_px))
    inverse, _ = inverse_field(field, camera.width_px, camera.height_px, step_px)
    return inverse
