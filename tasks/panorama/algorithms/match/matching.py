"""Matches between all overlapping images of a capture.

Source: Krainin & Liu, "Seamless Google Street View Panoramas" (Google Research blog, 2017):
dense flow between overlapping images, downsampled, dropped where structure is too weak.
Deviation: the dense flow runs in half the size of the photos, and only the points that become
matches are found in full size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.algorithms.match.confidence import best_per_block, structure, weights
from tasks.panorama.algorithms.match.flow import (
    MIDDLE_GREY,
    FlowPair,
    flow_both_ways,
    follow,
    halved,
    length_px,
    normalise,
    refined,
    round_trip_px,
)
from tasks.panorama.algorithms.match.held_out import is_held_out
from tasks.panorama.algorithms.match.overlap_view import (
    OverlapView,
    inside,
    overlap_view,
    resample,
    view_map,
)
from tasks.panorama.algorithms.place.filling import filled
from tasks.panorama.camera.camera import project, scaled
from tasks.panorama.config import MatchConfig
from tasks.panorama.types import (
    BoolArray,
    ByteImage,
    Camera,
    Correspondences,
    FloatArray,
    Rig,
)

_VIEW_MARGIN = 0.02  # of the longer side: how far a view reaches beyond the overlap
_COLOUR_WINDOW_PX = 5


@dataclass(frozen=True)
class _Prepared:
    """What matching needs of one image, computed once and used for all its pairs.

    Attributes:
        camera: Camera of the scaled image.
        scale: Size of the scaled image against the source, x and y.
        grey: (h, w) normalised picture.
        usable: (h, w) mask.
        colours: (h, w, 3) local mean colours.
    """

    camera: Camera
    scale: FloatArray
    grey: ByteImage
    usable: BoolArray
    colours: ByteImage


@dataclass(frozen=True)
class PairFlow:
    """Flow of one overlap, and what of it is kept.

    Attributes:
        view: The common view.
        patches: (h, w) both images, normalised, as the view shows them in half its size.
        flow: Flow from the first image to the second, px of the patches.
        kept: (h, w) where the flow is trusted.
        starts_px: (n, 2) px of the view: points of the first image that became matches.
        ends_px: (n, 2) where they lie in the second.
        missed_px: (n,) how far they miss their starts after going there and back.
    """

    view: OverlapView
    patches: tuple[ByteImage, ByteImage]
    flow: FlowPair
    kept: BoolArray
    starts_px: FloatArray
    ends_px: FloatArray
    missed_px: FloatArray


@dataclass(frozen=True)
class MatchedPair:
    """One overlap, matched.

    Attributes:
        pair: Indices of the two images, the smaller first.
        flow: Flow in the common view.
        matches: The matches that came of it.
    """

    pair: tuple[int, int]
    flow: PairFlow
    matches: Correspondences


def match_images(
    images: Sequence[ByteImage],
    masks: Sequence[BoolArray | None],
    rig: Rig,
    pairs: Sequence[tuple[int, int]],
    config: MatchConfig,
) -> Correspondences:
    """Match all pairs of images.

    Args:
        images: One (h, w, 3) BGR image per camera.
        masks: Per image None or (h, w), True where the image may be used.
        rig: Nominal calibration.
        pairs: Pairs of image indices, the smaller first.
        config: Scale, thresholds and block size.

    Returns:
        Matches of all pairs, pair by pair; a pair with nothing to hold on to gives none.
    """
    found = match_pairs(images, masks, rig, pairs, config)
    return joined([pair.matches for pair in found])


def match_pairs(
    images: Sequence[ByteImage],
    masks: Sequence[BoolArray | None],
    rig: Rig,
    pairs: Sequence[tuple[int, int]],
    config: MatchConfig,
) -> Iterator[MatchedPair]:
    """Match pair by pair, as `match_images` does, and show how.

    Yields:
        One result per pair whose overlap is large enough for flow.
    """
    scale = _flow_scale(rig, config)
    prepared = [
        _prepare(image, mask, camera, scale)
        for image, mask, camera in zip(images, masks, rig.cameras, strict=True)
    ]
    for a, b in pairs:
        flow = _pair_flow(prepared[a], prepared[b], config)
        if flow is not None:
            matches = _matches(a, b, prepared[a], prepared[b], flow, config)
            yield MatchedPair((a, b), flow, matches)


def joined(parts: Sequence[Correspondences]) -> Correspondences:
    """All matches of several sets, in order."""
    if not parts:
        none = np.empty(0, np.int64)
        points, colours = np.empty((0, 2)), np.empty((0, 3))
        return Correspondences(
            none, none, points, points, np.empty(0), colours, colours, np.empty(0, np.bool_)
        )
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Correspondences(*(np.concatenate(column) for column in columns))


def _pair_flow(first: _Prepared, second: _Prepared, config: MatchConfig) -> PairFlow | None:
    """Flow between two prepared images in their common view."""
    size_px = max(first.grey.shape)
    view = overlap_view(
        first.camera, second.camera, _VIEW_MARGIN * size_px / max(first.camera.params[:2])
    )
    if view is None:
        return None
    patches, seen = [], []
    for image in (first, second):
        map_x, map_y = view_map(view, image.camera)
        patches.append(resample(image.grey, map_x, map_y, MIDDLE_GREY))
        seen.append(inside(map_x, map_y, image.usable))
    small = halved(patches[0]), halved(patches[1])
    flow = flow_both_ways(*small)
    kept = seen[0][::2, ::2] & follow(seen[1][::2, ::2], flow.forth)
    rough_missed_px = 2 * round_trip_px(flow)
    kept &= rough_missed_px < config.max_round_trip_px
    kept &= length_px(flow.forth) < config.max_displacement * size_px / 2
    strength = structure(patches[0])
    height, width = strength.shape
    usable = np.repeat(np.repeat(kept, 2, axis=0), 2, axis=1)[:height, :width]
    usable = usable & seen[0] & (strength > config.min_structure)
    block_px = max(1, round(size_px / config.blocks_per_side))
    starts = best_per_block(strength, usable, block_px)
    at = (starts[:, 1] // 2, starts[:, 0] // 2)
    rough_px = starts + 2.0 * flow.forth[at]
    ends_px, missed_px = refined(patches[0], patches[1], starts.astype(np.float64), rough_px)
    missed_px = np.hypot(missed_px, rough_missed_px[at])  # what looks alike nearby finds back, too
    good = (missed_px < config.max_round_trip_px) & _seen_at(seen[1], ends_px)
    kept &= strength[::2, ::2] > config.min_structure
    starts_px = starts[good].astype(np.float64)
    return PairFlow(view, small, flow, kept, starts_px, ends_px[good], missed_px[good])


def _seen_at(seen: BoolArray, points_px: FloatArray) -> BoolArray:
    """Whether a view shows the pixels nearest to points, (n, 2) -> (n,)."""
    height, width = seen.shape
    column, row = np.rint(points_px).astype(np.int64).T
    within = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    shown = seen[np.where(within, row, 0), np.where(within, column, 0)]
    return np.asarray(within & shown, np.bool_)


def _flow_scale(rig: Rig, config: MatchConfig) -> float:
    """Size of the images in which the flow runs, against the photos; the same for all."""
    longer_px = max(max(camera.width_px, camera.height_px) for camera in rig.cameras)
    return config.scale * min(1.0, config.max_side_px / longer_px)


def _prepare(image: ByteImage, mask: BoolArray | None, camera: Camera, scale: float) -> _Prepared:
    small = scaled(camera, scale)
    size = (small.width_px, small.height_px)
    pixels = filled(image, mask)
    if scale != 1.0:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    usable = np.ones(size[::-1], np.bool_)
    if mask is not None:
        usable = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return _Prepared(
        small,
        np.array([size[0] / camera.width_px, size[1] / camera.height_px]),
        normalise(pixels),
        usable,
        np.asarray(cv2.blur(pixels, (_COLOUR_WINDOW_PX, _COLOUR_WINDOW_PX)), np.uint8),
    )


def _matches(
    a: int, b: int, first: _Prepared, second: _Prepared, pair: PairFlow, config: MatchConfig
) -> Correspondences:
    points_a, in_a = project(first.camera, pair.view.directions(pair.starts_px))
    points_b, in_b = project(second.camera, pair.view.directions(pair.ends_px))
    good = in_a & in_b
    points_a, points_b = points_a[good], points_b[good]
    source_a_px = (points_a + 0.5) / first.scale - 0.5
    count = int(good.sum())
    return Correspondences(
        np.full(count, a, np.int64),
        np.full(count, b, np.int64),
        source_a_px,
        (points_b + 0.5) / second.scale - 0.5,
        weights(pair.missed_px[good]),
        _colours(first, points_a),
        _colours(second, points_b),
        is_held_out(a, source_a_px * _judging_scale(first, config), config.held_out_share),
    )


def _judging_scale(image: _Prepared, config: MatchConfig) -> float:
    """Held-out blocks are measured in photos no longer than flow takes them at full scale."""
    longer_px = max(image.grey.shape) / float(image.scale.max())
    return float(min(1.0, config.max_side_px / longer_px))


def _colours(image: _Prepared, points_px: FloatArray) -> FloatArray:
    height, width = image.grey.shape
    nearest = np.clip(np.rint(points_px).astype(np.int64), 0, (width - 1, height - 1))
    return image.colours[nearest[:, 1], nearest[:, 0]].astype(np.float64)
