"""Rigid recalibration: rotations and focal lengths from matched rays.

Source: Brown & Lowe, "Automatic Panoramic Image Stitching using Invariant Features" (IJCV
2007), section 4: robust bundle adjustment of rotations and focal lengths, with priors. Here
the error is an angle on the sphere, and the mean rotation stays what it was, so that the
panorama's frame doesn't turn.

The prior is strong on purpose: as strong as a good part of the matches. What is left between
images is mostly parallax, which is the same over large areas. A free fit takes it for rotation
and focal length: a ring of cameras then nods as one, overlaps hardly gain, and everything moves
away from where it is (7 px in a trial, against 4 px before and 1.3 px with the prior).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyceres
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.fit.ceres import RobustLinearCost, solve
from tasks.panorama.algorithms.fit.residuals import (
    PX_PER_RAD,
    matched_directions,
    tangent_planes,
)
from tasks.panorama.camera.camera import rays
from tasks.panorama.config import SolveConfig
from tasks.panorama.types import Alignment, Camera, Correspondences, FloatArray, Rig

_NUM_LINEARISATIONS = 3
_NUM_UNKNOWNS = 4  # rotation vector in the rig frame, logarithm of the focal length
_FOCAL_STEP = 1e-4
_DECIMALS = 9  # of radians: the bits beyond depend on how many threads the algebra used
_LOSS_WIDTH_PX = 2.0  # parallax is an outlier to a rigid model, so the loss sets in early
_PRIOR_WIDTH_PX = 3.0  # a calibration farther off than this gives way to the matches


def recalibrate(matches: Correspondences, rig: Rig, config: SolveConfig) -> Rig:
    """Refine the rotation and focal length of each camera.

    Args:
        matches: Matches to fit; held-out ones must have been left out by the caller.
        rig: Nominal calibration.
        config: How far it may be off.

    Returns:
        The refined rig; a camera without matches keeps its calibration.

    Raises:
        DataError: The solver failed.
    """
    if not len(matches):
        return rig
    current = rig
    change = np.zeros((len(rig.cameras), _NUM_UNKNOWNS))
    for _ in range(_NUM_LINEARISATIONS):
        step = _solve_step(matches, current, change, config)
        change += step
        current = Rig(tuple(_moved(c, s) for c, s in zip(current.cameras, step, strict=True)))
    return _with_mean_rotation_of(current, rig)


def _solve_step(
    matches: Correspondences, rig: Rig, change: FloatArray, config: SolveConfig
) -> FloatArray:
    """Best small move of all cameras around the current rig: (num_images, 4)."""
    unknowns = [np.zeros(_NUM_UNKNOWNS) for _ in rig.cameras]
    problem = pyceres.Problem()
    # Ceres holds no reference that would keep these alive while it solves.
    costs = []
    rotation_only = pyceres.SubsetManifold(_NUM_UNKNOWNS, [3])
    for (a, b), cost in _pair_costs(matches, rig):
        problem.add_residual_block(cost, None, [unknowns[a], unknowns[b]])
        costs.append(cost)
    # Cameras without matches stay out: constant blocks crash pyceres 2.6 with Python costs.
    for image, cost in _priors(matches, rig, change, config):
        problem.add_residual_block(cost, None, [unknowns[image]])
        costs.append(cost)
        if not config.refine_focal:
            problem.set_manifold(unknowns[image], rotation_only)
    solve(problem, "recalibration", config.max_iterations)
    return np.asarray(np.round(np.stack(unknowns), _DECIMALS), np.float64)


def _pair_costs(
    matches: Correspondences, rig: Rig
) -> Iterator[tuple[tuple[int, int], RobustLinearCost]]:
    alignment = Alignment(rig, (None,) * len(rig.cameras))
    a, b = matched_directions(alignment, matches)
    plane = tangent_planes(a + b) * PX_PER_RAD
    constant = np.einsum("nij,nj->ni", plane, a - b)
    slope_a = plane @ _slopes(rig, matches.image_a, matches.points_a_px, a)
    slope_b = plane @ _slopes(rig, matches.image_b, matches.points_b_px, b)
    matrix = np.concatenate([slope_a, -slope_b], axis=2)
    for pair in np.unique(np.column_stack([matches.image_a, matches.image_b]), axis=0):
        rows = (matches.image_a == pair[0]) & (matches.image_b == pair[1])
        yield (
            (int(pair[0]), int(pair[1])),
            RobustLinearCost(
                matrix[rows].reshape(-1, 2 * _NUM_UNKNOWNS),
                constant[rows].ravel(),
                [_NUM_UNKNOWNS] * 2,
                _LOSS_WIDTH_PX,
                matches.weights[rows],
            ),
        )


def _slopes(rig: Rig, images: np.ndarray, points_px: FloatArray, at: FloatArray) -> FloatArray:
    """Derivative of each direction by its camera's rotation vector and log focal: (n, 3, 4)."""
    result = np.empty((len(at), 3, _NUM_UNKNOWNS))
    for axis in range(3):  # a small rotation w moves d by w x d
        result[:, :, axis] = np.cross(np.eye(3)[axis], at)
    for image, camera in enumerate(rig.cameras):
        chosen = images == image
        longer = rays(_with_focal(camera, _FOCAL_STEP), points_px[chosen])
        shorter = rays(_with_focal(camera, -_FOCAL_STEP), points_px[chosen])
        result[chosen, :, 3] = (longer - shorter) / (2 * _FOCAL_STEP)
    return result


def _priors(
    matches: Correspondences, rig: Rig, change: FloatArray, config: SolveConfig
) -> Iterator[tuple[int, RobustLinearCost]]:
    """Pull each matched camera toward its nominal calibration."""
    matched = np.union1d(matches.image_a, matches.image_b)
    weight = 2.0 * float(matches.weights.sum()) / max(len(matched), 1)
    for image in matched.tolist():
        px_per_unit = np.full(_NUM_UNKNOWNS, config.rotation_ridge * PX_PER_RAD)
        px_per_unit[3] = config.focal_ridge * _px_per_log_focal(rig.cameras[image])
        yield (
            image,
            RobustLinearCost(
                np.diag(px_per_unit),
                px_per_unit * change[image],
                [_NUM_UNKNOWNS],
                _PRIOR_WIDTH_PX,
                np.full(_NUM_UNKNOWNS // 2, weight),
            ),
        )


def _px_per_log_focal(camera: Camera) -> float:
    """Mean move of the image's pixels, in panorama px, per change of the log focal length."""
    radius_px = 0.5 * np.hypot(camera.width_px, camera.height_px) / np.sqrt(3.0)
    return float(radius_px / camera.params[0] * PX_PER_RAD)


def _moved(camera: Camera, step: FloatArray) -> Camera:
    turned = Rotation.from_rotvec(step[:3]).as_matrix()
    return replace(
        _with_focal(camera, float(step[3])), camera_from_rig=camera.camera_from_rig @ turned.T
    )


def _with_focal(camera: Camera, log_factor: float) -> Camera:
    fx, fy, *rest = camera.params
    factor = float(np.exp(log_factor))
    return replace(camera, params=(fx * factor, fy * factor, *rest))


def _with_mean_rotation_of(rig: Rig, nominal: Rig) -> Rig:
    """Turn the whole rig so that its cameras' turns against the nominal rig average to none."""
    turns = [
        Rotation.from_matrix(new.camera_from_rig.T @ old.camera_from_rig)
        for new, old in zip(rig.cameras, nominal.cameras, strict=True)
    ]
    mean = Rotation.concatenate(turns).mean().as_matrix()
    return Rig(tuple(replace(c, camera_from_rig=c.camera_from_rig @ mean) for c in rig.cameras))
