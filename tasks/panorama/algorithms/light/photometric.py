"""Gains of all images and one falloff toward the corners, from the colours of matches.

Source: Goldman, "Vignette and Exposure Calibration and Compensation" (IEEE TPAMI 2010),
section 3: the same surface point seen at two radii ties both down at once. Deviation: pixel
values are taken as proportional to gain times falloff (no response curve), in the logarithm,
with robust weights, since some matches show moving or shiny things.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

from tasks.panorama.types import Correspondences, FloatArray, IntArray, Photometry, Rig

_DARKEST, _BRIGHTEST = 8.0, 245.0  # outside, noise or clipping spoil the ratio
_NUM_ITERATIONS = 12
_LOSS_WIDTH = 0.03  # log ratio beyond which a match counts less
_GAIN_SIGMA = 0.5  # log gain; ties down images without matches
_FALLOFF_SIGMA = 1.0
_MIN_FALLOFF = 0.1
_DECIMALS = 8  # the bits beyond depend on how many threads the algebra used


def fit_photometry(matches: Correspondences, rig: Rig) -> Photometry:
    """Fit one gain per image and channel, and the shared falloff.

    Args:
        matches: Matches with the mean colours around them; held-out ones must have been left
            out by the caller.
        rig: For the images' sizes.

    Returns:
        The photometry; gain 1 for an image without usable matches.
    """
    num_images = len(rig.cameras)
    usable = np.all(
        [(c > _DARKEST) & (c < _BRIGHTEST) for c in (matches.colours_a, matches.colours_b)],
        axis=(0, 2),
    )
    matches = matches.select(usable)
    radius_a = _radius_squared(rig, matches.image_a, matches.points_a_px)
    radius_b = _radius_squared(rig, matches.image_b, matches.points_b_px)
    log_ratio = np.log(matches.colours_a) - np.log(matches.colours_b)
    log_gains, falloff = np.zeros((num_images, 3)), np.zeros(2)
    for _ in range(_NUM_ITERATIONS):
        slopes_a, slopes_b = _log_slopes(radius_a, falloff), _log_slopes(radius_b, falloff)
        predicted = _log_falloff(radius_a, falloff) - _log_falloff(radius_b, falloff)
        off = log_ratio - predicted[:, None]
        off -= log_gains[matches.image_a] - log_gains[matches.image_b]
        step_gains, step_falloff = _step(matches, off, slopes_a - slopes_b, log_gains, falloff)
        log_gains, falloff = log_gains + step_gains, falloff + step_falloff
    gains = np.round(np.exp(log_gains - log_gains.mean(axis=0)), _DECIMALS)
    k2, k4 = (np.round(falloff, _DECIMALS) + 0.0).tolist()
    return Photometry(gains, (k2, k4))


def falloff_of(photometry: Photometry, radius_squared: FloatArray) -> FloatArray:
    """Falloff 1 + k2 r^2 + k4 r^4, never below a tenth, for any shape of r^2."""
    k2, k4 = photometry.vignetting
    return np.maximum(1.0 + radius_squared * (k2 + radius_squared * k4), _MIN_FALLOFF)


def _step(
    matches: Correspondences,
    off: FloatArray,
    slopes: FloatArray,
    log_gains: FloatArray,
    falloff: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """One reweighted least-squares step; channels share the falloff and nothing else."""
    num_images = len(log_gains)
    size = 3 * num_images + 2
    normal, right = np.zeros((size, size)), np.zeros(size)
    between = _differences(matches, num_images)
    for channel in range(3):
        weights = matches.weights / (1.0 + (off[:, channel] / _LOSS_WIDTH) ** 2)
        weighted = diags_array(weights) @ between
        own = slice(channel * num_images, (channel + 1) * num_images)
        normal[own, own] = (between.T @ weighted).toarray()
        normal[own, -2:] = weighted.T @ slopes
        normal[-2:, own] = normal[own, -2:].T
        normal[-2:, -2:] += slopes.T @ (weights[:, None] * slopes)
        right[own] = weighted.T @ off[:, channel]
        right[-2:] += slopes.T @ (weights * off[:, channel])
    state = np.concatenate([log_gains.T.ravel(), falloff])
    prior = np.full(size, (_LOSS_WIDTH / _GAIN_SIGMA) ** 2)
    prior[-2:] = (_LOSS_WIDTH / _FALLOFF_SIGMA) ** 2
    normal[np.diag_indices(size)] += prior
    step = np.linalg.solve(normal, right - prior * state)
    return step[:-2].reshape(3, num_images).T, step[-2:]


def _differences(matches: Correspondences, num_images: int) -> csr_array:
    """Log ratio of each match by the log gains: (n, num_images), 1 at a and -1 at b."""
    rows = np.arange(len(matches))
    signs = np.concatenate([np.ones(len(matches)), -np.ones(len(matches))])
    places = (np.concatenate([rows, rows]), np.concatenate([matches.image_a, matches.image_b]))
    return csr_array((signs, places), shape=(len(matches), num_images))


def _radius_squared(rig: Rig, images: IntArray, points_px: FloatArray) -> FloatArray:
    """Squared distance from the image's centre over half its diagonal."""
    sizes = np.array([(c.width_px, c.height_px) for c in rig.cameras], np.float64)[images]
    offset = points_px - (sizes - 1) / 2
    return np.asarray(np.sum(offset**2, axis=1) / np.sum((sizes / 2) ** 2, axis=1))


def _log_falloff(radius_squared: FloatArray, falloff: FloatArray) -> FloatArray:
    value = 1.0 + radius_squared * (falloff[0] + radius_squared * falloff[1])
    return np.asarray(np.log(np.maximum(value, _MIN_FALLOFF)))


def _log_slopes(radius_squared: FloatArray, falloff: FloatArray) -> FloatArray:
    value = 1.0 + radius_squared * (falloff[0] + radius_squared * falloff[1])
    powers = np.column_stack([radius_squared, radius_squared**2])
    return np.asarray(powers / np.maximum(value, _MIN_FALLOFF)[:, None])
