"""Baseline: warp each image by half of the flow, spread by a Gaussian kernel.

This is what Krainin & Liu ("Seamless Google Street View Panoramas", 2017) compare their
optimisation with: every overlap on its own, kernel-based interpolation between its matches.
Source of the interpolation: Nadaraya, "On Estimating Regression" (1964); Watson, "Smooth
Regression Analysis" (1964). Far from any match the warp fades to none.

Each match is moved half-way by both of its images: along the direction in the middle of its
two directions.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.panorama.algorithms.fit.grid_field import GridField, nodes
from tasks.panorama.algorithms.fit.residuals import linearise
from tasks.panorama.types import Alignment, Camera, Correspondences, FloatArray, Rig

_STEP_PX = 4.0
_TRUNCATION = 4.0  # standard deviations
_FADE = 1e-2  # of one match at distance zero: below this density the warp fades


def interpolate_fields(
    matches: Correspondences, rig: Rig, sigma_px: float
) -> tuple[GridField, ...]:
    """Fields that move every match half-way, smoothed by a kernel.

    Args:
        matches: Matches to fit; held-out ones must have been left out by the caller.
        rig: Calibration that the fields refine.
        sigma_px: Standard deviation of the kernel, source px.

    Returns:
        One field per camera.
    """
    move_a, move_b = half_moves(matches, rig)
    fields = []
    for image, camera in enumerate(rig.cameras):
        in_a, in_b = matches.image_a == image, matches.image_b == image
        points = np.concatenate([matches.points_a_px[in_a], matches.points_b_px[in_b]])
        moves = np.concatenate([move_a[in_a], move_b[in_b]])
        weights = np.concatenate([matches.weights[in_a], matches.weights[in_b]])
        fields.append(_interpolate(points, moves, weights, camera, sigma_px))
    return tuple(fields)


def half_moves(matches: Correspondences, rig: Rig) -> tuple[FloatArray, FloatArray]:
    """How far each pixel of a match moves to meet the other half-way: two (n, 2), source px."""
    linear = linearise(Alignment(rig, (None,) * len(rig.cameras)), matches)
    half = 0.5 * linear.constant_px[:, :, None]
    move_a = np.linalg.solve(linear.slope_a, -half)[:, :, 0]
    move_b = np.linalg.solve(linear.slope_b, half)[:, :, 0]
    return np.asarray(move_a, np.float64), np.asarray(move_b, np.float64)


def _interpolate(
    points_px: FloatArray,
    moves_px: FloatArray,
    weights: FloatArray,
    camera: Camera,
    sigma_px: float,
) -> GridField:
    x_px, y_px = nodes(camera.width_px, _STEP_PX), nodes(camera.height_px, _STEP_PX)
    layers = np.zeros((len(y_px), len(x_px), 3))
    values = np.column_stack([moves_px, np.ones(len(points_px))]) * weights[:, None]
    _splat(layers, points_px / _STEP_PX, values)
    sigma = sigma_px / _STEP_PX
    radius = int(np.ceil(_TRUNCATION * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    smooth = cv2.sepFilter2D(layers, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_CONSTANT)
    return GridField(smooth[..., :2] / (smooth[..., 2:] + _FADE), _STEP_PX)


def _splat(layers: FloatArray, positions: FloatArray, values: FloatArray) -> None:
    """Add values to the four nodes around each position, bilinearly."""
    last = (layers.shape[1] - 2, layers.shape[0] - 2)
    first = np.clip(np.floor(positions).astype(np.int64), 0, last)
    t = np.clip(positions - first, 0.0, 1.0)
    for j in range(2):
        for i in range(2):
            share = np.where(i, t[:, 0], 1 - t[:, 0]) * np.where(j, t[:, 1], 1 - t[:, 1])
            np.add.at(layers, (first[:, 1] + j, first[:, 0] + i), values * share[:, None])
