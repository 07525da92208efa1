"""Photos that show the same view: exposures of a bracket, or copies of one photo.

Blended side by side, exposures make patches. Which photos may be alike is told by small pictures
of their local contrast, which exposure hardly changes; sparse matches that stay where they are
then tell the same view from another one that looks like it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.panorama.algorithms.calibrate.features import Features, matched_features
from tasks.panorama.types import ByteImage, FloatArray, IntArray

_SIDE = 32  # of the small pictures
_SIGMA = 3.0  # of what counts as their local mean
_MIN_LIKENESS = 0.4  # correlation: two stops apart give 0.6 and more, other views 0.2 at most
_MIN_MATCHES, _MIN_STILL_SHARE = 12, 0.6
_MAX_MOVED = 0.02  # of the longer side: hand-held exposures move so little


def same_views(
    pictures: Sequence[ByteImage],
    features: Sequence[Features],
    sides_px: Sequence[int],
) -> list[tuple[int, ...]]:
    """Group photos of one view.

    Args:
        pictures: Each photo, small, (h, w, 3) BGR.
        features: Of each photo.
        sides_px: Longer side of each photo.

    Returns:
        Groups of at least two photos, each from dark to light.
    """
    likeness = _likeness(pictures)
    group = list(range(len(pictures)))
    for first, second in np.argwhere(np.triu(likeness >= _MIN_LIKENESS, k=1)).tolist():
        a, b = features[first], features[second]
        places = a.points_px / sides_px[first], b.points_px / sides_px[second]
        chosen = matched_features(a.descriptors, b.descriptors)
        if group[first] != group[second] and _stay(places[0], places[1], chosen):
            kept, gone = sorted((group[first], group[second]))
            group = [kept if each == gone else each for each in group]
    light = [float(picture.mean()) for picture in pictures]
    found = []
    for leader in sorted(set(group)):
        members = [index for index, each in enumerate(group) if each == leader]
        if len(members) > 1:
            found.append(tuple(sorted(members, key=lambda index: (light[index], index))))
    return found


def _likeness(pictures: Sequence[ByteImage]) -> FloatArray:
    """Correlation of the local contrast of each two pictures, (n, n)."""
    rows = []
    for picture in pictures:
        small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        logs = np.log1p(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float64))
        local = logs - cv2.GaussianBlur(logs, (0, 0), _SIGMA)
        rows.append((local / max(float(np.linalg.norm(local)), 1e-9)).ravel())
    stacked = np.stack(rows)
    return np.asarray(stacked @ stacked.T)


def _stay(first: FloatArray, second: FloatArray, chosen: IntArray) -> bool:
    """Whether most matches lie at one place of both photos, as shares of their longer sides."""
    moved = np.linalg.norm(first[chosen[:, 0]] - second[chosen[:, 1]], axis=1)
    return len(moved) >= _MIN_MATCHES and float((moved < _MAX_MOVED).mean()) >= _MIN_STILL_SHARE
