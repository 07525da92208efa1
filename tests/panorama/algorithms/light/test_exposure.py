from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.panorama.algorithms.light.exposure import evened, fit_shades, rolled_off, white_point
from tasks.panorama.algorithms.light.views import views_of
from tasks.panorama.algorithms.place.source_maps import Maps, source_maps
from tasks.panorama.types import Float32Array, FloatArray, Photometry, Rig
from tests.support.panorama.spheres import photo_of_sphere, pinhole, small_rosette

WIDTH_PX = 512


def shades_of(images: Sequence[Float32Array], maps: Maps) -> FloatArray:
    whole = [np.zeros(image.shape[:2], np.bool_) for image in images]
    return fit_shades(views_of(images, whole, maps), len(images))


def ones(num_images: int, vignetting: tuple[float, float] = (0.0, 0.0)) -> Photometry:
    return Photometry(np.ones((num_images, 3)), vignetting)


def logs_of(shade: np.ndarray, x: float, y: float) -> np.ndarray:
    return np.array([1.0, x, y, x * x, x * y, y * y]) @ shade


def test_evening_undoes_gain_and_falloff():
    photometry = Photometry(np.array([[1.0, 1.0, 1.0], [0.5, 1.25, 2.0]]), (-0.2, -0.1))
    radiance = np.full((41, 61, 3), 80.0)
    x, y = np.arange(61) - 30.0, np.arange(41) - 20.0
    r2 = (x[None] ** 2 + y[:, None] ** 2) / ((61**2 + 41**2) / 4)
    pixels = radiance * (1 - 0.2 * r2 - 0.1 * r2**2)[..., None] * photometry.gains[1]

    result = evened(pixels.astype(np.float32), photometry, 1)

    np.testing.assert_allclose(result, radiance, rtol=1e-5)


def test_evening_takes_a_shade_away():
    shade = np.zeros((6, 3))
    shade[0] = np.log(1.2)
    shade[1, 2] = 0.1
    image = np.full((64, 64, 3), 100.0, np.float32)

    result = evened(image, ones(1), 0, shade)

    np.testing.assert_allclose(result[..., 0], 100 / 1.2, rtol=1e-4)
    x = (np.arange(64) + 0.5) / 32 - 1
    np.testing.assert_allclose(result[32, :, 2], 100 / 1.2 * np.exp(-0.1 * x), rtol=5e-3)


def test_gains_are_found_where_images_overlap_and_nothing_else_tells():
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, WIDTH_PX)
    true = np.exp(np.random.default_rng(5).normal(0, 0.1, (7, 3)))
    images: list[Float32Array] = [
        (photo_of_sphere(camera) * gain).astype(np.float32)
        for camera, gain in zip(rig.cameras, true, strict=True)
    ]

    shades = shades_of(images, maps)

    error = shades[:, 0] - np.log(true)
    assert np.abs(error - error.mean(axis=0)).max() < 0.01
    assert np.abs(shades[:, 1:]).max() < 0.02


def test_slow_shade_of_one_image_is_found():
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, WIDTH_PX)
    images = [photo_of_sphere(camera).astype(np.float32) for camera in rig.cameras]
    y = (np.arange(160) + 0.5) / 80 - 1
    images[2] *= np.exp(0.08 * y)[:, None, None].astype(np.float32)

    shades = shades_of(images, maps)

    # Its neighbours share in it: what counts is the difference where they meet.
    slopes = [logs_of(shade, 0.0, 0.7) - logs_of(shade, 0.0, -0.7) for shade in shades[1:4]]
    apart = slopes[1] - (slopes[0] + slopes[2]) / 2
    np.testing.assert_allclose(apart, 0.08 * 1.4, rtol=0.35)


def test_disagreeing_things_do_not_count_as_shade():
    rig = Rig((pinhole("a", -20, 0), pinhole("b", 20, 0)))
    maps = source_maps(rig, [None, None], WIDTH_PX)
    images = [photo_of_sphere(camera).astype(np.float32) for camera in rig.cameras]
    images[0][50:90, 100:140] = 250.0

    shades = shades_of(images, maps)

    assert np.abs(shades[0, 0] - shades[1, 0]).max() < 0.02


def test_image_that_meets_no_other_is_left_alone():
    rig = Rig((pinhole("a", 0, 0), pinhole("b", 180, 0)))
    maps = [*source_maps(rig, [None, None], WIDTH_PX), None]
    images = [photo_of_sphere(camera).astype(np.float32) for camera in rig.cameras]

    assert not shades_of([*images, images[0]], maps).any()


def test_white_point_is_the_brightest_detail():
    image = np.full((40, 40, 3), 100.0, np.float32)
    image[:20] = 200.0
    image[:5] = 255.0

    assert white_point([image], [image]) == 255.0
    assert white_point([image], [image * 1.5]) == 300.0
    assert white_point([np.full_like(image, 255.0)], [image * 9]) == 255.0


def test_highlights_roll_off_and_the_rest_stays():
    ramp = np.tile(np.linspace(0, 400, 801, dtype=np.float32)[None, :, None], (2, 1, 3))

    result = rolled_off(ramp, 320.0)[0, :, 0]

    assert rolled_off(ramp, 255.0) is ramp
    np.testing.assert_array_equal(result[: 2 * 190], ramp[0, : 2 * 190, 0])
    assert (np.diff(result) >= 0).all()
    assert np.abs(np.diff(result)).max() <= 0.5 + 1e-3
    np.testing.assert_allclose(result[2 * 320 :], 255.0)
    assert result[2 * 255] < 245
