"""Which photos of unknown cameras hang together, and at which focal length.

A camera that turns about its centre moves its picture by a rotation, but only at the right
focal length: at a wrong one fewer matches agree with any rotation. So the focal length is
searched for, for all photos at once, together with the rotation of each pair. What EXIF says
is weighed against that: photos with parallax say little, and EXIF is wrong after cropping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.calibrate.bundle_rays import FocalPrior, bearings
from tasks.panorama.algorithms.calibrate.features import PairMatches
from tasks.panorama.algorithms.calibrate.pair_rotation import PairRotation, find_rotation
from tasks.panorama.types import FloatArray, IntArray

_FACTORS = np.geomspace(0.4, 3.2, 16)
_USUAL_FOCAL = 0.9  # Of the longer side: 32 mm on 35 mm film, between phones and compacts.
_USUAL_LOG_SIGMA = 0.5
_EXIF_LOG_SIGMA = 0.1
_K1_SIGMA = 0.05
_PRIOR_MATCHES = 10.0  # Matches of one pair err together: so many count as one.
_MIN_INLIERS = 8
_MIN_INLIER_SHARE = 0.12


@dataclass(frozen=True)
class PhotoSet:
    """What is known of photos before they are matched.

    Attributes:
        sides_px: (num_images,) longer side.
        centres_px: (num_images, 2) image centre.
        focal_groups: (num_images,) photos of one size and one EXIF focal length share theirs.
        focal_px: (num_groups,) expected focal length.
        has_exif: Whether EXIF says something of any of them.
    """

    sides_px: FloatArray
    centres_px: FloatArray
    focal_groups: IntArray
    focal_px: FloatArray
    has_exif: bool

    @property
    def prior(self) -> FocalPrior:
        """What bundle adjustment may assume."""
        sigma = _EXIF_LOG_SIGMA if self.has_exif else _USUAL_LOG_SIGMA
        sigmas = np.full(len(self.focal_px), sigma)
        return FocalPrior(np.log(self.focal_px), sigmas, _K1_SIGMA, _PRIOR_MATCHES)


@dataclass(frozen=True)
class Link:
    """Two photos and the rotation between them."""

    matches: PairMatches
    rotation: PairRotation

    @property
    def pair(self) -> tuple[int, int]:
        """Indices of the photos."""
        return self.matches.first, self.matches.second


def describe(
    sizes_px: Sequence[tuple[int, int]], focal_hints_px: Sequence[float | None]
) -> PhotoSet:
    """Put together what is known of photos.

    Args:
        sizes_px: Width and height of each.
        focal_hints_px: Focal lengths by EXIF.
    """
    sizes = np.array(sizes_px, np.float64)
    sides = sizes.max(axis=1)
    known = [hint / side for hint, side in zip(focal_hints_px, sides, strict=True) if hint]
    usual = float(np.median(known)) if known else _USUAL_FOCAL
    focal = [hint or usual * side for hint, side in zip(focal_hints_px, sides, strict=True)]
    keys = [(*sorted(size), round(one, 3)) for size, one in zip(sizes, focal, strict=True)]
    distinct = sorted(set(keys))
    return PhotoSet(
        sides_px=sides,
        centres_px=(sizes - 1) / 2,
        focal_groups=np.array([distinct.index(key) for key in keys]),
        focal_px=np.array([key[-1] for key in distinct]),
        has_exif=bool(known),
    )


def find_links(
    photos: PhotoSet, matches: Sequence[PairMatches], tolerance: float
) -> tuple[float, list[Link]]:
    """Find the focal length that explains most matches, and the links at it.

    Args:
        photos: What is known.
        matches: Sparse matches of all pairs.
        tolerance: Error at which a match no longer counts, as a share of the longer side.

    Returns:
        Factor on the expected focal lengths, and the reliable links.
    """
    best_score, best_factor, best_links = -np.inf, 1.0, list[Link]()
    sigma = float(photos.prior.log_sigma[0])
    for factor in _FACTORS:
        links = [_link(photos, pair, float(factor), tolerance) for pair in matches]
        links = [link for link in links if _is_reliable(link)]
        score = sum(link.rotation.score for link in links)
        score -= 0.5 * _PRIOR_MATCHES * (np.log(factor) / sigma) ** 2
        if score > best_score:
            best_score, best_factor, best_links = score, float(factor), links
    return best_factor, best_links


def _link(photos: PhotoSet, pair: PairMatches, factor: float, tolerance: float) -> Link:
    images = [pair.first, pair.second]
    focal = photos.focal_px[photos.focal_groups[images]] * factor
    tolerance_rad = tolerance * float(np.mean(photos.sides_px[images] / focal))
    first = bearings(pair.points_first_px - photos.centres_px[pair.first], focal[0], 0.0)
    second = bearings(pair.points_second_px - photos.centres_px[pair.second], focal[1], 0.0)
    return Link(pair, find_rotation(first, second, tolerance_rad))


def _is_reliable(link: Link) -> bool:
    num = int(link.rotation.inliers.sum())
    return num >= _MIN_INLIERS + _MIN_INLIER_SHARE * len(link.matches)
