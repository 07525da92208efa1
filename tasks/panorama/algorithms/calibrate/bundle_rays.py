"""Bundle adjustment of a rotating camera: rotations, focal lengths and one radial term at once.

Source: M. Brown and D. Lowe, "Automatic Panoramic Image Stitching using Invariant Features"
(2007), section 4. A residual is the difference of the two directions of a match times the
focal length, in pixels. Deviations: the loss is Cauchy's and narrows in stages, so that a
ring which does not close yet is still pulled together; a radial term k1 is fitted too.
The problem has under a hundred unknowns, so that dense normal equations are the fastest way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.panorama.types import FloatArray, IntArray

_MAX_STEPS = 25
_FIRST_DAMPING = 1e-4
_MAX_DAMPING = 1e8
_ENOUGH = 1e-7
_DIFFERENCE = 1e-5
_NUM_UNDISTORT_STEPS = 6
_ROTATION_SIGMA_RAD = 10.0


@dataclass(frozen=True)
class RayMatches:
    """Matches between images, grouped by pair.

    Attributes:
        first: (n,) index of the first image of each match.
        second: (n,) index of the second.
        points_first: (n, 2) px from the image centre.
        points_second: (n, 2).
        pairs: Rows of each pair of images.
    """

    first: IntArray
    second: IntArray
    points_first: FloatArray
    points_second: FloatArray
    pairs: tuple[slice, ...]


@dataclass(frozen=True)
class RayBundle:
    """Cameras that share a centre.

    Attributes:
        rig_from_camera: (num_images, 3, 3).
        focal_groups: (num_images,) which focal length an image has.
        log_focal: (num_groups,) logarithms of focal lengths in px.
        k1: Radial distortion as in OPENCV, shared by all.
    """

    rig_from_camera: FloatArray
    focal_groups: IntArray
    log_focal: FloatArray
    k1: float

    @property
    def focal_px(self) -> FloatArray:
        """(num_images,) focal length of each image."""
        return np.exp(self.log_focal)[self.focal_groups]


@dataclass(frozen=True)
class FocalPrior:
    """What is known beforehand.

    Attributes:
        log_focal: (num_groups,) expected values.
        log_sigma: (num_groups,) standard deviations.
        k1_sigma: Standard deviation of k1 around zero; tiny to keep it there.
        num_matches: How many matches a deviation of one sigma outweighs.
    """

    log_focal: FloatArray
    log_sigma: FloatArray
    k1_sigma: float
    num_matches: float


def adjust(
    start: RayBundle, matches: RayMatches, prior: FocalPrior, widths_px: Sequence[float]
) -> RayBundle:
    """Fit all cameras to all matches.

    Args:
        start: First guess.
        matches: What should meet.
        prior: What is known beforehand.
        widths_px: Widths of the robust loss, one stage after the other.
    """
    bundle = start
    for width_px in widths_px:
        bundle = _levenberg_marquardt(bundle, matches, prior, width_px)
    return bundle


def residuals_px(bundle: RayBundle, matches: RayMatches) -> FloatArray:
    """Distance between the two directions of each match, (n,) px."""
    return np.asarray(np.linalg.norm(_residuals(bundle, matches), axis=1))


def bearings(points: FloatArray, focal_px: FloatArray | float, k1: float) -> FloatArray:
    """Unit directions in the camera frame.

    Args:
        points: (n, 2) px from the image centre.
        focal_px: (n,) or one for all.
        k1: Radial distortion.
    """
    distorted = points / np.reshape(focal_px, (-1, 1))
    plane = distorted
    for _ in range(_NUM_UNDISTORT_STEPS if k1 else 0):
        plane = distorted / (1 + k1 * (plane**2).sum(axis=1, keepdims=True))
    directions = np.column_stack([plane, np.ones(len(plane))])
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def _levenberg_marquardt(
    bundle: RayBundle, matches: RayMatches, prior: FocalPrior, width_px: float
) -> RayBundle:
    damping = _FIRST_DAMPING
    cost = _cost(bundle, matches, prior, width_px)
    for _ in range(_MAX_STEPS):
        hessian, gradient = _normal_equations(bundle, matches, prior, width_px)
        while damping < _MAX_DAMPING:
            damped = hessian + damping * np.diag(np.diag(hessian))
            moved = _moved(bundle, np.asarray(-np.linalg.solve(damped, gradient), np.float64))
            moved_cost = _cost(moved, matches, prior, width_px)
            if moved_cost < cost:
                break
            damping *= 10
        else:
            return bundle
        gain, bundle, cost = cost - moved_cost, moved, moved_cost
        damping = max(damping / 10, 1e-9)
        if gain < _ENOUGH * cost:
            return bundle
    return bundle


def _moved(bundle: RayBundle, step: FloatArray) -> RayBundle:
    num = len(bundle.rig_from_camera)
    turns = Rotation.from_rotvec(step[: 3 * num].reshape(num, 3)).as_matrix()
    return replace(
        bundle,
        rig_from_camera=turns @ bundle.rig_from_camera,
        log_focal=bundle.log_focal + np.clip(step[3 * num : -1], -0.3, 0.3),
        k1=bundle.k1 + float(step[-1]),
    )


def _directions(bundle: RayBundle, images: IntArray, points: FloatArray) -> FloatArray:
    local = bearings(points, bundle.focal_px[images], bundle.k1)
    return np.asarray(np.einsum("nij,nj->ni", bundle.rig_from_camera[images], local))


def _scale(bundle: RayBundle, matches: RayMatches) -> FloatArray:
    focal = bundle.focal_px
    return np.asarray(np.sqrt(focal[matches.first] * focal[matches.second]))


def _residuals(bundle: RayBundle, matches: RayMatches) -> FloatArray:
    difference = _directions(bundle, matches.first, matches.points_first) - _directions(
        bundle, matches.second, matches.points_second
    )
    return difference * _scale(bundle, matches)[:, None]


def _cost(bundle: RayBundle, matches: RayMatches, prior: FocalPrior, width_px: float) -> float:
    square = (_residuals(bundle, matches) ** 2).sum(axis=1) / width_px**2
    known = ((bundle.log_focal - prior.log_focal) / prior.log_sigma) ** 2
    radial = (bundle.k1 / prior.k1_sigma) ** 2
    return float(np.log1p(square).sum() + prior.num_matches * (known.sum() + radial))


def _normal_equations(
    bundle: RayBundle, matches: RayMatches, prior: FocalPrior, width_px: float
) -> tuple[FloatArray, FloatArray]:
    num, num_groups = len(bundle.rig_from_camera), len(bundle.log_focal)
    size = 3 * num + num_groups + 1
    residual = _residuals(bundle, matches) / width_px
    weight = 1.0 / (1.0 + (residual**2).sum(axis=1))
    by_first, by_second, by_k1 = _derivatives(bundle, matches, width_px)
    hessian, gradient = np.zeros((size, size)), np.zeros(size)
    for rows in matches.pairs:
        i, j = int(matches.first[rows.start]), int(matches.second[rows.start])
        places = np.array([
            *range(3 * i, 3 * i + 3), 3 * num + bundle.focal_groups[i],
            *range(3 * j, 3 * j + 3), 3 * num + bundle.focal_groups[j], size - 1,
        ])  # fmt: skip
        block = np.concatenate([by_first[rows], by_second[rows], by_k1[rows]], axis=2)
        block = block.reshape(-1, len(places))
        weights = np.repeat(weight[rows], 3)
        # Two images of one group share a focal length: their columns add up.
        np.add.at(hessian, np.ix_(places, places), (block * weights[:, None]).T @ block)
        np.add.at(gradient, places, block.T @ (weights * residual[rows].ravel()))
    _add_prior(hessian, gradient, bundle, prior)
    return hessian, gradient


def _add_prior(
    hessian: FloatArray, gradient: FloatArray, bundle: RayBundle, prior: FocalPrior
) -> None:
    """Add what is known; a weak pull on rotations keeps the free turn of the whole in place."""
    num = 3 * len(bundle.rig_from_camera)
    precision = np.zeros(len(gradient))
    precision[:num] = 1.0 / _ROTATION_SIGMA_RAD**2
    precision[num:-1] = prior.num_matches / prior.log_sigma**2
    precision[-1] = prior.num_matches / prior.k1_sigma**2
    hessian[np.diag_indices_from(hessian)] += precision
    gradient[num:-1] += precision[num:-1] * (bundle.log_focal - prior.log_focal)
    gradient[-1] += precision[-1] * bundle.k1


def _derivatives(
    bundle: RayBundle, matches: RayMatches, width_px: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Derivatives of the residuals by (rotation, log focal) of either image and by k1."""
    scale = (_scale(bundle, matches) / width_px)[:, None]
    sides = []
    by_k1 = np.zeros((len(matches.first), 3))
    for sign, images, points in (
        (1.0, matches.first, matches.points_first),
        (-1.0, matches.second, matches.points_second),
    ):
        here = _directions(bundle, images, points)
        by_focal = (
            _directions(replace(bundle, log_focal=bundle.log_focal + _DIFFERENCE), images, points)
            - here
        ) / _DIFFERENCE
        by_k1 += (
            sign
            * (_directions(replace(bundle, k1=bundle.k1 + _DIFFERENCE), images, points) - here)
            / _DIFFERENCE
        )
        by_rotation = -sign * scale[..., None] * _cross_matrices(here)
        sides.append((by_rotation, sign * scale * by_focal))
    half = 0.5 * _residuals(bundle, matches) / width_px
    by_first, by_second = (
        np.concatenate([by_rotation, (by_focal + half)[..., None]], axis=2)
        for by_rotation, by_focal in sides
    )
    return by_first, by_second, (scale * by_k1)[..., None]


def _cross_matrices(vectors: FloatArray) -> FloatArray:
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
