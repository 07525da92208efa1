"""Sparse matches between photos of which nothing is known: SIFT, ratio test, mutual choice.

Sources: D. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints" (2004), sections
6 and 7.1; R. Arandjelovic and A. Zisserman, "Three things everyone should know to improve
object retrieval" (2012), section 3 (RootSIFT). Deviation: which pairs are worth matching is
found with the strongest features alone, so that the cost grows with the overlaps; each image
keeps its best partners however few their matches are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import cv2
import numpy as np

from tasks.panorama.algorithms.place.filling import filled
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray, IntArray

WORK_PIXELS = 700_000
MAX_FEATURES = 2500
_NUM_STRONGEST = 600
_MIN_STRONGEST_MATCHES = 12
_NUM_BEST_PARTNERS = 3
_MAX_RATIO = 0.8


@dataclass(frozen=True)
class Features:
    """Features of one image, the strongest first.

    Attributes:
        points_px: (n, 2) places in the full image.
        descriptors: (n, 128) of unit length.
    """

    points_px: FloatArray
    descriptors: Float32Array


@dataclass(frozen=True)
class PairMatches:
    """Matches of two images, wrong ones among them.

    Attributes:
        first: Index of the first image.
        second: Index of the second image; larger.
        points_first_px: (n, 2).
        points_second_px: (n, 2).
    """

    first: int
    second: int
    points_first_px: FloatArray
    points_second_px: FloatArray

    def __len__(self) -> int:
        """Number of matches."""
        return len(self.points_first_px)


def find_features(
    image: ByteImage,
    usable: BoolArray | None = None,
    max_pixels: int = WORK_PIXELS,
    max_features: int = MAX_FEATURES,
) -> Features:
    """Find features on a reduced copy of an image.

    Args:
        image: (height, width, 3) BGR.
        usable: (height, width), False on what is masked; None for nothing.
        max_pixels: Of the copy.
        max_features: How many of the strongest to keep.
    """
    image = filled(image, usable)
    height, width = image.shape[:2]
    factor = min(1.0, sqrt(max_pixels / (height * width)))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if factor < 1 else image
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    detector = cv2.SIFT.create(nfeatures=max_features, contrastThreshold=0.02)
    mask = None
    if usable is not None:
        mask = cv2.resize(usable.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    keypoints, descriptors = detector.detectAndCompute(grey, mask)
    if descriptors is None or not len(keypoints):
        return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    strongest = np.argsort([-keypoint.response for keypoint in keypoints], kind="stable")
    places = np.array([keypoint.pt for keypoint in keypoints], np.float64)[strongest]
    scale = np.array([width / size[0], height / size[1]])
    root = np.sqrt(descriptors[strongest] / np.maximum(descriptors[strongest].sum(1), 1)[:, None])
    return Features((places + 0.5) * scale - 0.5, root.astype(np.float32))


def match_features(features: Sequence[Features]) -> list[PairMatches]:
    """Match all pairs of images whose strongest features already match."""
    matches = []
    for first, second in _promising_pairs(features):
        a, b = features[first], features[second]
        chosen = matched_features(a.descriptors, b.descriptors)
        matches.append(
            PairMatches(first, second, a.points_px[chosen[:, 0]], b.points_px[chosen[:, 1]])
        )
    return matches


def matched_features(a: Float32Array, b: Float32Array) -> IntArray:
    """Match two sets of descriptors.

    Args:
        a: (n, 128) of unit length.
        b: (m, 128) of unit length.

    Returns:
        (k, 2) indices of descriptors that choose each other and pass the ratio test.
    """
    if len(a) < 2 or len(b) < 2:
        return np.zeros((0, 2), np.int64)
    similarity = a @ b.T
    rows = np.arange(len(a))
    best = similarity.argmax(axis=1)
    is_mutual = similarity.argmax(axis=0)[best] == rows
    top = similarity[rows, best]
    similarity[rows, best] = -1.0
    runner_up = similarity.max(axis=1)
    # Of unit vectors, the squared distance is 2 - 2 cos.
    passes = (1 - top) < _MAX_RATIO**2 * (1 - runner_up)
    chosen = np.nonzero(is_mutual & passes)[0]
    return np.column_stack([chosen, best[chosen]])


def _promising_pairs(features: Sequence[Features]) -> list[tuple[int, int]]:
    strongest = [one.descriptors[:_NUM_STRONGEST] for one in features]
    pairs = list(combinations(range(len(features)), 2))
    counts = np.zeros((len(features), len(features)), np.int64)
    for first, second in pairs:
        count = len(matched_features(strongest[first], strongest[second]))
        counts[first, second] = counts[second, first] = count
    partners = np.argsort(-counts, axis=1, kind="stable")[:, :_NUM_BEST_PARTNERS]
    return [
        (first, second)
        for first, second in pairs
        if counts[first, second] >= _MIN_STRONGEST_MATCHES
        or second in partners[first]
        or first in partners[second]
    ]
