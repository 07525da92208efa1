from __future__ import annotations

import tracemalloc
from dataclasses import fields, replace

import numpy as np

from tasks.panorama.algorithms.light.photometric import falloff_of, fit_photometry
from tasks.panorama.types import Alignment, Correspondences, FloatArray, Photometry, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig

PAIRS = [(i, (i + 1) % 8) for i in range(8)]


def _coloured(rig: Rig, truth: Photometry, noise: float) -> Correspondences:
    matches = matches_under(Alignment(rig, (None,) * 8), PAIRS, 400)
    rng = np.random.default_rng(4)
    radiance = rng.uniform(40, 150, (len(matches), 3))
    colours: list[FloatArray] = []
    for images, points in (
        (matches.image_a, matches.points_a_px),
        (matches.image_b, matches.points_b_px),
    ):
        camera = rig.cameras[0]
        size = np.array([camera.width_px, camera.height_px])
        radius2 = np.sum((points - (size - 1) / 2) ** 2, axis=1) / np.sum((size / 2) ** 2)
        seen = radiance * truth.gains[images] * falloff_of(truth, radius2)[:, None]
        colours.append(seen + rng.normal(0, noise, seen.shape))
    return replace(matches, colours_a=colours[0], colours_b=colours[1])


def _truth() -> Photometry:
    log_gains = np.random.default_rng(5).normal(0, 0.1, (8, 3))
    return Photometry(np.exp(log_gains - log_gains.mean(axis=0)), (-0.35, 0.1))


def test_recovers_gains_and_falloff() -> None:
    rig, truth = ring_rig(8, 45.0), _truth()
    found = fit_photometry(_coloured(rig, truth, 0.5), rig)
    assert np.sqrt(np.mean((found.gains / truth.gains - 1) ** 2)) < 0.005
    radius2 = np.linspace(0, 1, 9)
    np.testing.assert_allclose(falloff_of(found, radius2), falloff_of(truth, radius2), atol=0.02)


def test_moving_things_do_little_harm() -> None:
    rig, truth = ring_rig(8, 45.0), _truth()
    matches = _coloured(rig, truth, 0.5)
    moved = np.random.default_rng(6).random(len(matches)) < 0.1
    colours = np.where(moved[:, None], matches.colours_b * 0.5, matches.colours_b)
    found = fit_photometry(replace(matches, colours_b=colours), rig)
    assert np.sqrt(np.mean((found.gains / truth.gains - 1) ** 2)) < 0.01


def test_clipped_colours_are_left_out() -> None:
    rig, truth = ring_rig(8, 45.0), _truth()
    matches = _coloured(rig, truth, 0.5)
    bright = np.random.default_rng(6).random(len(matches)) < 0.5
    clipped = {
        name: np.where(bright[:, None], 255.0, getattr(matches, name))
        for name in ("colours_a", "colours_b")
    }
    found = fit_photometry(replace(matches, **clipped), rig)
    assert np.sqrt(np.mean((found.gains / truth.gains - 1) ** 2)) < 0.01


def test_no_matches_change_nothing() -> None:
    rig = ring_rig(8, 45.0)
    matches = _coloured(rig, _truth(), 0.5)
    found = fit_photometry(matches.select(np.zeros(len(matches), bool)), rig)
    np.testing.assert_allclose(found.gains, 1.0)
    assert found.vignetting == (0.0, 0.0)


def test_memory_grows_with_matches_not_with_photos_times_matches() -> None:
    num_photos = 100
    rig = ring_rig(num_photos, 360 / num_photos)
    pairs = [(i, i + 1) for i in range(num_photos - 1)]
    matches = matches_under(Alignment(rig, (None,) * num_photos), pairs, 100)
    held_bytes = sum(getattr(matches, each.name).nbytes for each in fields(matches))

    tracemalloc.start()
    fit_photometry(matches, rig)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    normal_bytes = 8 * (3 * num_photos + 2) ** 2  # a few of them are held besides
    assert peak_bytes < 4 * held_bytes + 5 * normal_bytes
