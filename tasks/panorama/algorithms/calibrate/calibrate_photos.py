"""A rig from photos alone: rotations, focal lengths and one radial term.

Source: M. Brown and D. Lowe, "Automatic Panoramic Image Stitching using Invariant Features"
(2007). Steps: sparse matches; links between photos at the best focal length; the largest set
of photos that hang together; rotations along its strongest links; bundle adjustment; links that
contradict the others go, and again; levelling. Deviations: rotations in place of homographies
(three unknowns instead of eight, so that planes near the camera mislead less), and the focal
length is searched for rather than read off single homographies. Photos that were not taken
from one point agree with a rotation only in part: the dominant part counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csgraph

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.bundle_rays import (
    RayBundle,
    RayMatches,
    adjust,
    residuals_px,
)
from tasks.panorama.algorithms.calibrate.features import (
    Features,
    PairMatches,
    find_features,
    match_features,
)
from tasks.panorama.algorithms.calibrate.levelling import level
from tasks.panorama.algorithms.calibrate.pair_rotation import angle_rad
from tasks.panorama.algorithms.calibrate.photo_links import Link, PhotoSet, describe, find_links
from tasks.panorama.camera.overlaps import largest_connected
from tasks.panorama.types import ByteImage, Camera, FloatArray, Rig

_TOLERANCES = (0.006, 0.012)  # Of the longer side; the second where photos have parallax.
_LOSS_WIDTHS = (0.08, 0.02, 0.005, 0.002)  # Of the longer side.
_MIN_AGREEING_SHARE = 0.5
# A loop misses its start by the share by which the focal length is off; without distortion,
# which pairs can't tell, that was up to 17 % on real rings.
_MAX_LOOP_ERROR = 0.25
_LOOP_SLACK_RAD = 0.05
_MAX_MATCHES_PER_PAIR = 150
_MAX_ROUNDS = 4


@dataclass(frozen=True)
class CalibratedPhotos:
    """What photos tell about the camera that took them.

    Attributes:
        rig: One camera for each photo in use, in the photos' order.
        used: Indices of these photos.
        left_out: Why each other photo could not be used, by index.
        stats: ``num_pairs``, ``num_matches`` (that agree), ``agreeing_share`` (of the linked
            pairs' matches), ``rms_px`` of those that agree, ``focal_px`` of the first photo in
            use, ``focal_over_exif`` (0 without EXIF), ``k1``.
    """

    rig: Rig
    used: tuple[int, ...]
    left_out: Mapping[int, str]
    stats: Mapping[str, float]


def calibrate_photos(
    images: Sequence[ByteImage],
    names: Sequence[str],
    focal_hints_px: Sequence[float | None] | None = None,
) -> CalibratedPhotos:
    """Find how photos taken from about one point are turned against each other.

    Args:
        images: (height, width, 3) BGR, upright, of any sizes.
        names: A name for each photo.
        focal_hints_px: Focal lengths by EXIF, None where unknown. They count where the photos
            themselves say little.

    Raises:
        DataError: No two photos hang together.
    """
    sizes = [(image.shape[1], image.shape[0]) for image in images]
    hints = focal_hints_px or [None] * len(images)
    return calibrate_features([find_features(image) for image in images], sizes, names, hints)


def calibrate_features(
    features: Sequence[Features],
    sizes_px: Sequence[tuple[int, int]],
    names: Sequence[str],
    focal_hints_px: Sequence[float | None],
) -> CalibratedPhotos:
    """As `calibrate_photos`, for photos whose pixels are no longer in memory.

    Args:
        features: Features of each photo.
        sizes_px: Width and height of each photo.
        names: A name for each photo.
        focal_hints_px: Focal lengths by EXIF, None where unknown.

    Raises:
        DataError: No two photos hang together.
    """
    photos = describe(sizes_px, focal_hints_px)
    matches = match_features(features)
    for tolerance in _TOLERANCES:
        factor, links = find_links(photos, matches, tolerance)
        used, links, bundle = _solve(photos, links, factor, tolerance)
        if len(used) >= 2:
            break
    else:
        raise DataError(
            f"photos {names[0]} to {names[-1]}: expected at least two that overlap and were taken "
            "from about one point, found none; add photos in between, or give a rig."
        )
    return CalibratedPhotos(
        rig=_rig(bundle, sizes_px, names, used),
        used=used,
        left_out=_reasons(len(names), used, matches, links),
        stats=_stats(photos, bundle, _ray_matches(photos, links, used, None), links, tolerance),
    )


def _solve(
    photos: PhotoSet, links: list[Link], factor: float, tolerance: float
) -> tuple[tuple[int, ...], list[Link], RayBundle]:
    """Adjust the largest connected set; drop links that contradict it, until none does."""
    side = float(np.median(photos.sides_px))
    widths = [width * side for width in _LOSS_WIDTHS]
    for _ in range(_MAX_ROUNDS):
        used = largest_connected(len(photos.sides_px), [link.pair for link in links])
        links = [link for link in links if link.pair[0] in used]
        rotations, links = _follow_strongest(links, used)
        log_focal = np.log(photos.focal_px * factor)
        bundle = RayBundle(rotations, photos.focal_groups[list(used)], log_focal, 0.0)
        if not links:
            break
        rays = _ray_matches(photos, links, used, _MAX_MATCHES_PER_PAIR)
        bundle = adjust(bundle, rays, photos.prior, widths)
        agree = residuals_px(bundle, rays) < tolerance * side
        agrees = [agree[rows].mean() >= _MIN_AGREEING_SHARE for rows in rays.pairs]
        if all(agrees):
            break
        links = [link for link, is_good in zip(links, agrees, strict=True) if is_good]
    return used, links, bundle


def _follow_strongest(links: Sequence[Link], used: Sequence[int]) -> tuple[FloatArray, list[Link]]:
    """Rotations along the tree of links with most agreement, and the links that fit them.

    Returns:
        (num_used, 3, 3) rig from camera; links of the tree, and those that close a loop with
        it: the error of a loop may grow with the angle that it turns through.
    """
    place = {image: index for index, image in enumerate(used)}
    by_pair = {(place[link.pair[0]], place[link.pair[1]]): link for link in links}
    turns = {pair: angle_rad(link.rotation.second_from_first) for pair, link in by_pair.items()}
    tree = _strongest_tree({pair: link.rotation.score for pair, link in by_pair.items()}, len(used))
    rotations = np.tile(np.eye(3), (len(used), 1, 1))
    turned = np.zeros((len(used), len(used)))
    reached: list[int] = []
    order, parents = csgraph.breadth_first_order(tree, 0, directed=False)
    for new in order:
        if reached:
            known = int(parents[new])
            pair = (min(known, new), max(known, new))
            second_from_first = by_pair[pair].rotation.second_from_first
            known_from_new = second_from_first.T if pair == (known, new) else second_from_first
            rotations[new] = rotations[known] @ known_from_new
            turned[new, reached] = turned[reached, new] = turned[known, reached] + turns[pair]
        reached.append(int(new))
    fitting = []
    for (i, j), link in by_pair.items():
        loop = rotations[i] @ link.rotation.second_from_first.T @ rotations[j].T
        if angle_rad(loop) <= _MAX_LOOP_ERROR * (turned[i, j] + turns[i, j]) + _LOOP_SLACK_RAD:
            fitting.append(link)
    return rotations, fitting


def _strongest_tree(scores: Mapping[tuple[int, int], float], num_images: int) -> coo_array:
    rows, columns = np.array(list(scores), np.int64).reshape(-1, 2).T
    costs = [1.0 / score for score in scores.values()]
    graph = coo_array((costs, (rows, columns)), (num_images, num_images))
    return csgraph.minimum_spanning_tree(graph)


def _ray_matches(
    photos: PhotoSet, links: Sequence[Link], used: Sequence[int], limit: int | None
) -> RayMatches:
    """Inliers of the links, at most `limit` for each; all matches where it is None."""
    place = {image: index for index, image in enumerate(used)}
    first, second, points_first, points_second, pairs = [], [], [], [], []
    total = 0
    for link in links:
        rows = np.arange(len(link.matches))
        if limit is not None:
            rows = np.nonzero(link.rotation.inliers)[0]
            rows = rows[np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(int)]
        i, j = link.pair
        first.append(np.full(len(rows), place[i]))
        second.append(np.full(len(rows), place[j]))
        points_first.append(link.matches.points_first_px[rows] - photos.centres_px[i])
        points_second.append(link.matches.points_second_px[rows] - photos.centres_px[j])
        pairs.append(slice(total, total + len(rows)))
        total += len(rows)
    return RayMatches(
        np.concatenate(first),
        np.concatenate(second),
        np.concatenate(points_first),
        np.concatenate(points_second),
        tuple(pairs),
    )


def _rig(
    bundle: RayBundle,
    sizes_px: Sequence[tuple[int, int]],
    names: Sequence[str],
    used: Sequence[int],
) -> Rig:
    cameras = []
    rig_from_camera = level(bundle.rig_from_camera)
    for place, image in enumerate(used):
        width_px, height_px = sizes_px[image]
        focal = float(bundle.focal_px[place])
        centre = ((width_px - 1) / 2, (height_px - 1) / 2)
        cameras.append(
            Camera(
                name=names[image],
                width_px=width_px,
                height_px=height_px,
                model="OPENCV",
                params=(focal, focal, *centre, bundle.k1, 0.0, 0.0, 0.0),
                camera_from_rig=rig_from_camera[place].T,
                centre_m=np.zeros(3),
            )
        )
    return Rig(tuple(cameras))


def _reasons(
    num_images: int, used: Sequence[int], matches: Sequence[PairMatches], links: Sequence[Link]
) -> dict[int, str]:
    reasons = {}
    for image in sorted(set(range(num_images)) - set(used)):
        num = max((len(m) for m in matches if image in (m.first, m.second)), default=0)
        is_linked = any(image in link.pair for link in links)
        reasons[image] = (
            f"hangs together with others, but not with the {len(used)} photos in use"
            if is_linked
            else f"no other photo overlaps it reliably (best pair: {num} tentative matches)"
        )
    return reasons


def _stats(
    photos: PhotoSet, bundle: RayBundle, rays: RayMatches, links: Sequence[Link], tolerance: float
) -> dict[str, float]:
    residual = residuals_px(bundle, rays)
    agree = residual < tolerance * float(np.median(photos.sides_px))
    expected = float(photos.focal_px[bundle.focal_groups[0]])
    return {
        "num_pairs": float(len(links)),
        "num_matches": float(agree.sum()),
        "agreeing_share": float(agree.mean()),
        "rms_px": float(np.sqrt((residual[agree] ** 2).mean())),
        "focal_px": float(bundle.focal_px[0]),
        "focal_over_exif": float(bundle.focal_px[0]) / expected if photos.has_exif else 0.0,
        "k1": bundle.k1,
    }
