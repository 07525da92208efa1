"""Turn a panorama so that it faces as another one does.

A stitcher that knows no rig may look anywhere. What is left after the one rotation that fits best
is its own error: of lens, of placement, of light.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.restitch.peers.hugin import PeerFailedError
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray

_MATCH_WIDTH_PX = 2048
_MAX_FEATURES = 6000
_RATIO = 0.75  # of the nearest descriptor's distance to the next one's
_NUM_TRIES = 2000
_TRY_DEG, _FIT_DEG = 1.0, 0.5
_MIN_MATCHES = 30


def facing(
    picture: ByteImage, covered: BoolArray, reference: ByteImage
) -> tuple[ByteImage, BoolArray]:
    """Turn an equirectangular panorama to a reference.

    Args:
        picture: (h, w, 3) BGR.
        covered: (h, w) where it shows something.
        reference: (h, w, 3) BGR.

    Returns:
        The picture turned, Lanczos-resampled, and where it shows something.

    Raises:
        PeerFailedError: They have too little in common.
    """
    whole = np.ones(reference.shape[:2], np.bool_)
    rotation = _rotation(_features(picture, covered), _features(reference, whole))
    height_px, width_px = reference.shape[:2]
    x, y = np.meshgrid(np.arange(width_px), np.arange(height_px))
    directions = _directions(np.column_stack([x.ravel(), y.ravel()]), width_px)
    longitude, latitude = _angles(rotation.inv().apply(directions))
    map_x = ((longitude / (2 * np.pi) + 0.5) * width_px - 0.5).reshape(x.shape)
    map_y = ((0.5 - latitude / np.pi) * height_px - 0.5).reshape(x.shape)
    maps = map_x.astype(np.float32), map_y.astype(np.float32)
    turned = cv2.remap(picture, *maps, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_WRAP)
    shown = cv2.remap(
        covered.astype(np.uint8) * 255, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    return np.asarray(turned, np.uint8), np.asarray(shown == 255, np.bool_)


def _features(picture: ByteImage, covered: BoolArray) -> tuple[FloatArray, Float32Array]:
    """Directions (n, 3) and descriptors (n, 128) of a panorama's features."""
    size = (_MATCH_WIDTH_PX, _MATCH_WIDTH_PX // 2)
    small = cv2.resize(luma_of(picture), size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(covered.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    points, descriptors = cv2.SIFT.create(_MAX_FEATURES).detectAndCompute(
        small.astype(np.uint8), cv2.erode(inside, np.ones((9, 9), np.uint8))
    )
    if descriptors is None or len(points) < _MIN_MATCHES:
        raise PeerFailedError("the panorama shows too little to tell where it faces")
    places = np.array([point.pt for point in points])
    return _directions(places, _MATCH_WIDTH_PX), np.asarray(descriptors, np.float32)


def _rotation(
    ours: tuple[FloatArray, Float32Array], theirs: tuple[FloatArray, Float32Array]
) -> Rotation:
    """Rotation from our directions to theirs that most matches agree with."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(ours[1], theirs[1], k=2)
    good = [one for one, next_one in pairs if one.distance < _RATIO * next_one.distance]
    if len(good) < _MIN_MATCHES:
        raise PeerFailedError(f"only {len(good)} matches with the true panorama")
    source = ours[0][[match.queryIdx for match in good]]
    target = theirs[0][[match.trainIdx for match in good]]
    rng = np.random.default_rng(0)
    best, most = Rotation.identity(), 0
    for _ in range(_NUM_TRIES):
        two = rng.choice(len(good), 2, replace=False)
        tried, _ = Rotation.align_vectors(target[two], source[two])
        agreeing = int(_agree(tried, source, target, _TRY_DEG).sum())
        if agreeing > most:
            best, most = tried, agreeing
    if most < _MIN_MATCHES:
        raise PeerFailedError(f"only {most} matches agree on where the panorama faces")
    for limit_deg in (_TRY_DEG, _FIT_DEG):
        agree = _agree(best, source, target, limit_deg)
        best, _ = Rotation.align_vectors(target[agree], source[agree])
    return best


def _agree(
    rotation: Rotation, source: FloatArray, target: FloatArray, limit_deg: float
) -> BoolArray:
    cosines = (rotation.apply(source) * target).sum(axis=1)
    return np.asarray(cosines > np.cos(np.radians(limit_deg)), np.bool_)


def _directions(points_px: FloatArray, width_px: int) -> FloatArray:
    """Directions of equirectangular pixels, (n, 3); frames as in `tasks.panorama.types`."""
    longitude = ((points_px[:, 0] + 0.5) / width_px - 0.5) * 2 * np.pi
    latitude = (0.5 - (points_px[:, 1] + 0.5) / (width_px / 2)) * np.pi
    across = np.cos(latitude)
    return np.column_stack(
        [across * np.sin(longitude), -np.sin(latitude), across * np.cos(longitude)]
    )


def _angles(directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    longitude = np.arctan2(directions[:, 0], directions[:, 2])
    return longitude, np.arcsin(np.clip(-directions[:, 1], -1.0, 1.0))
