from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from tasks.panorama.algorithms.calibrate.features import Features, find_features
from tasks.panorama.input.photo_checks import Doubts, doubts_of_photos, doubts_of_rig
from tasks.panorama.types import ByteImage, Rig
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere

RIG = ring_rig(3, 30.0)
PHOTOS = [photograph(camera, textured_sphere(1536)) for camera in RIG.cameras]


@dataclass(frozen=True)
class Photo:
    name: str
    size_px: tuple[int, int]
    thumbnail: ByteImage
    features: Features
    mask_png: bytes | None = None


def photo(name: str, pixels: ByteImage) -> Photo:
    small = cv2.resize(pixels, (60, 80), interpolation=cv2.INTER_AREA)
    return Photo(name, (240, 320), small, find_features(pixels, None, 80_000, 400))


def test_nothing_speaks_against_photos_that_differ():
    photos = [photo(f"p{index}", pixels) for index, pixels in enumerate(PHOTOS)]
    found = doubts_of_rig(photos, RIG, doubts_of_photos(photos, RIG), 0.02, "here")
    assert found == Doubts(overlaps=found.overlaps)
    assert [(each.first, each.second) for each in found.overlaps][:2] == [
        ("p0", "p1"),
        ("p0", "p2"),
    ]
    assert found.check().photos == ()


@pytest.mark.parametrize("grey", [0, 9])
def test_a_black_photo_is_rejected_a_night_is_not(grey):
    noise = np.random.default_rng(0).normal(0, 2, PHOTOS[0].shape)
    black = np.clip(noise + grey / 3, 0, 255).astype(np.uint8)
    night = (PHOTOS[1] * 0.15).astype(np.uint8)
    found = doubts_of_photos([photo("a", PHOTOS[0]), photo("b", black), photo("c", night)], None)
    assert found.black == {"b": "it is black"}
    assert found.spare == {}
    assert [(each.name, each.verdict) for each in found.check().photos] == [("b", "rejected")]


def test_the_middle_exposure_is_used_and_the_others_are_spare():
    shots = {"x": 1.0, "x-": 0.4, "x+": 1.7}
    photos = [photo(n, np.clip(PHOTOS[0] * g, 0, 255).astype(np.uint8)) for n, g in shots.items()]
    found = doubts_of_photos([*photos, photo("y", PHOTOS[1]), photo("z", PHOTOS[1])], None)
    assert found.spare == {
        "x-": "it is a darker exposure of x; one of each bracket is used",
        "x+": "it is a lighter exposure of x; one of each bracket is used",
        "z": "it shows the same as y, which is used",
    }
    assert set(found.useless) == {"x-", "x+", "z"}


def test_of_copies_the_largest_is_used_then_the_plainest_name():
    small = cv2.resize(PHOTOS[0], (200, 267), interpolation=cv2.INTER_AREA)
    names = {"00": small, "01 copy": PHOTOS[0], "01": PHOTOS[0]}
    photos = [
        replace(photo(name, pixels), size_px=(pixels.shape[1], pixels.shape[0]))
        for name, pixels in names.items()
    ]
    reason = "it shows the same as 01, which is used"
    assert doubts_of_photos(photos, None).spare == {"00": reason, "01 copy": reason}


def test_a_frame_that_two_cameras_delivered_is_no_spare_exposure():
    photos = [photo("a", PHOTOS[0]), photo("b", PHOTOS[0]), photo("c", PHOTOS[2])]
    assert doubts_of_photos(photos, RIG).spare == {}
    one_view = Rig((RIG.cameras[0], RIG.cameras[0], RIG.cameras[2]))
    assert set(doubts_of_photos(photos, one_view).spare) == {"b"}


def test_a_rig_that_fits_no_photo_is_named():
    photos = [photo(f"p{index}", PHOTOS[index]) for index in (2, 1, 0)]
    found = doubts_of_rig(photos, RIG, doubts_of_photos(photos, RIG), 0.02, "project.pto")
    assert found.rig == "rejected"
    assert found.rig_fault.startswith("project.pto: the photos don't bear out this rig (3 were")
    assert found.contradicting == {}
