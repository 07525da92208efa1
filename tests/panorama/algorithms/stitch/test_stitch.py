from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.panorama.algorithms.place.source_maps import Maps, source_maps
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import (
    maps_of,
    proofs_of,
    reduced_maps,
    reduced_sources,
    sources_of,
    stitch,
)
from tasks.panorama.camera.camera import rays
from tasks.panorama.types import (
    Alignment,
    ByteImage,
    Camera,
    DisplacementField,
    FloatArray,
    Photometry,
    Rig,
)
from tests.support.panorama.equirect import directions
from tests.support.panorama.spheres import colours_along, photo_of_sphere, small_rosette

WIDTH_PX = 640


def nominal_maps(rig: Rig) -> Maps:
    return source_maps(rig, [None] * len(rig.cameras), WIDTH_PX)


class Wave:
    """A displacement of up to 3 px that varies over the image."""

    def sample(self, points_px: FloatArray) -> FloatArray:
        x, y = points_px.T
        return 3.0 * np.stack([np.sin(y / 50), np.cos(x / 60)], axis=1)


def distorted_photo(camera: Camera, field: DisplacementField, gain: FloatArray) -> ByteImage:
    """Photo whose pixel p looks along ray(p + field(p)), darker by a gain."""
    x, y = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    colours = colours_along(rays(camera, points + field.sample(points))) * gain
    return np.rint(colours).astype(np.uint8).reshape(camera.height_px, camera.width_px, 3)


def psnr(picture: ByteImage, covered: np.ndarray) -> float:
    sphere = directions(WIDTH_PX, WIDTH_PX // 2).reshape(-1, 3)
    truth = colours_along(sphere).reshape(picture.shape)
    # Brightness as a whole can't be told from photos.
    scale = (truth[covered] / np.maximum(picture[covered], 1)).mean()
    return float(10 * np.log10(255**2 / ((picture * scale - truth)[covered] ** 2).mean()))


def test_warped_and_uneven_photos_give_back_the_sphere():
    rig = small_rosette()
    gains = np.exp(np.random.default_rng(2).normal(0, 0.1, (7, 3)))
    gains /= np.exp(np.log(gains).mean(axis=0)) / 0.9
    photos = [distorted_photo(c, Wave(), g) for c, g in zip(rig.cameras, gains, strict=True)]
    photometry = Photometry(gains / 0.9, (0.0, 0.0))
    sources = sources_of(photos, [None] * 7, rig, photometry, nominal_maps(rig))

    scores = []
    for fields in ((None,) * 7, tuple(Wave() for _ in rig.cameras)):
        maps = maps_of(Alignment(rig, fields), WIDTH_PX)
        labels = fixed_labels(maps)
        picture = stitch(sources, maps, labels, 5)
        assert (picture[labels == UNCOVERED] == 0).all()
        scores.append(psnr(picture, labels != UNCOVERED))

    unwarped, warped = scores
    assert unwarped < 30
    assert warped > 38


def test_wrong_gain_of_an_image_without_matches_is_made_good():
    rig = small_rosette()
    gains = np.ones((7, 3))
    gains[6] = 0.7
    none = Wave()
    none.sample = np.zeros_like  # type: ignore[method-assign, assignment]
    photos = [distorted_photo(c, none, g) for c, g in zip(rig.cameras, gains, strict=True)]

    sources = sources_of(
        photos, [None] * 7, rig, Photometry(np.ones((7, 3)), (0.0, 0.0)), nominal_maps(rig)
    )

    ratio = sources.gains / sources.gains[:1]
    np.testing.assert_allclose(ratio, gains, rtol=0.02)
    assert np.exp(np.log(sources.gains).mean()) == pytest.approx(1.0)


def test_reduced_sources_make_the_same_picture_smaller():
    rig = small_rosette()
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    plain = Photometry(np.ones((7, 3)), (0.0, 0.0))
    sources = sources_of(photos, [None] * 7, rig, plain, nominal_maps(rig))
    maps = maps_of(Alignment(rig, (None,) * 7), WIDTH_PX)

    half = reduced_maps(maps, 2)
    picture = stitch(reduced_sources(sources, 2), half, fixed_labels(half), 0)

    large = stitch(sources, maps, fixed_labels(maps), 0)
    expected = cv2.resize(large, (WIDTH_PX // 2, WIDTH_PX // 4), interpolation=cv2.INTER_AREA)
    both = cv2.erode((picture > 0).all(axis=2).astype(np.uint8), np.ones((5, 5))) > 0
    assert both.mean() > 0.5
    assert np.abs(picture.astype(float) - expected)[both].mean() < 2


def test_proofs_know_the_masks():
    rig = Rig(small_rosette().cameras[:2])
    usable = np.ones((160, 160), bool)
    usable[40:120, 40:120] = False
    photos = [np.full((160, 160, 3), 90, np.uint8)] * 2
    plain = Photometry(np.ones((2, 3)), (0.0, 0.0))
    sources = sources_of(photos, [usable, usable | True], rig, plain, nominal_maps(rig))

    first, second = proofs_of(sources, maps_of(Alignment(rig, (None, None)), WIDTH_PX))

    assert first is not None
    assert second is not None
    assert sources.masked[0] is not None
    assert sources.masked[1] is None
    plain, _ = proofs_of(
        sources_of(photos, [None, None], rig, plain, nominal_maps(rig)),
        maps_of(Alignment(rig, (None, None)), WIDTH_PX),
    )
    assert plain is not None
    assert 0.5 < first.seen.sum() / plain.seen.sum() < 0.9
    np.testing.assert_allclose(first.grey[first.seen], 90, atol=0.5)
