from __future__ import annotations

import cv2
import numpy as np

from tasks.panorama.algorithms.calibrate.features import find_features
from tasks.panorama.algorithms.calibrate.same_view import same_views
from tasks.panorama.types import ByteImage
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere

PHOTOS = [photograph(camera, textured_sphere(1536)) for camera in ring_rig(3, 20.0).cameras]


def exposed(photo: ByteImage, stops: float) -> ByteImage:
    linear = (photo / 255.0) ** 2.2 * 2.0**stops
    return np.rint(np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def groups(*photos: ByteImage) -> list[tuple[int, ...]]:
    small = [cv2.resize(photo, (60, 80), interpolation=cv2.INTER_AREA) for photo in photos]
    features = [find_features(photo, None, 60_000, 500) for photo in photos]
    return same_views(small, features, [max(photo.shape) for photo in photos])


def test_exposures_of_one_view_are_grouped_from_dark_to_light():
    bracketed = [exposed(photo, stops) for photo in PHOTOS[:2] for stops in (0, -2, 2)]
    assert groups(*bracketed) == [(1, 0, 2), (4, 3, 5)]


def test_hand_held_exposures_and_copies_are_one_view():
    moved = np.roll(PHOTOS[0], (3, 2), axis=(0, 1))
    copies = [PHOTOS[1], PHOTOS[1].copy(), cv2.resize(PHOTOS[1], (200, 267))]
    (first, copied) = groups(PHOTOS[0], exposed(moved, -1), *copies)
    assert first == (1, 0)
    assert set(copied) == {2, 3, 4}


def test_neighbours_flat_and_black_photos_are_no_copies():
    flat = [np.full_like(PHOTOS[0], grey) for grey in (0, 0, 160, 160)]
    slope = np.broadcast_to(np.linspace(90, 200, 320)[:, None, None], (320, 240, 3))
    sky = [slope.astype(np.uint8), (slope * 0.8).astype(np.uint8)]
    assert groups(*PHOTOS, *flat, *sky) == []
