"""The rotation between two photos taken from one place, from matches with many wrong ones.

Source: M. Fischler and R. Bolles, "Random Sample Consensus" (1981), with the truncated score
of P. Torr and A. Zisserman, "MLESAC" (2000), section 3; two matches fix a rotation; all inliers
then refine it (W. Kabsch, "A solution for the best rotation to relate two sets of vectors",
1976). A rotation has three degrees of freedom where a homography has eight, so that a plane
near the camera can't pass for the scene as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.types import BoolArray, FloatArray

_NUM_SAMPLES = 300
_NUM_REFINEMENTS = 4
_MIN_SAMPLE_ANGLE_RAD = 0.02


@dataclass(frozen=True)
class PairRotation:
    """How the second camera is turned against the first.

    Attributes:
        second_from_first: (3, 3) rotation.
        inliers: (n,) matches that agree.
        score: Sum over matches of ``1 - min(error^2 / tolerance^2, 1)``.
    """

    second_from_first: FloatArray
    inliers: BoolArray
    score: float


def find_rotation(first: FloatArray, second: FloatArray, tolerance_rad: float) -> PairRotation:
    """Find the rotation that most matches agree with.

    The samples come from a generator with a fixed seed: the same matches give the same result.

    Args:
        first: (n, 3) unit directions in the first camera's frame.
        second: (n, 3) in the second camera's frame.
        tolerance_rad: Error at which a match no longer counts.
    """
    if len(first) < 2:
        return PairRotation(np.eye(3), np.zeros(len(first), bool), 0.0)
    rotations = _sampled_rotations(first, second, tolerance_rad)
    # |R a - b|^2 = 2 - 2 b.Ra of unit vectors: one matrix product for all samples.
    products = (second[:, :, None] * first[:, None, :]).reshape(-1, 9)
    errors = 2.0 - 2.0 * rotations.reshape(-1, 9) @ products.T
    scores = np.maximum(0.0, 1.0 - errors / tolerance_rad**2).sum(axis=1)
    rotation = rotations[int(scores.argmax())]
    for _ in range(_NUM_REFINEMENTS):
        weights = _weights(rotation, first, second, tolerance_rad)
        if weights.sum() < 2:
            break
        rotation = best_rotation(first, second, weights)
    error = ((first @ rotation.T - second) ** 2).sum(axis=1) / tolerance_rad**2
    return PairRotation(rotation, error < 1.0, float(np.maximum(0.0, 1.0 - error).sum()))


def best_rotation(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """The rotation that turns `first` onto `second` in the least-squares sense (Kabsch).

    Args:
        first: (n, 3) directions.
        second: (n, 3) directions.
        weights: (n,) not negative.
    """
    u, _, vt = np.linalg.svd((second * weights[:, None]).T @ first)
    sign = np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ np.diag([1.0, 1.0, sign]) @ vt)


def angle_rad(rotation: FloatArray) -> float:
    """Angle by which a rotation (3, 3) turns, 0 to pi."""
    return float(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def _sampled_rotations(first: FloatArray, second: FloatArray, tolerance_rad: float) -> FloatArray:
    samples = np.random.default_rng(0).integers(0, len(first), (_NUM_SAMPLES, 2))
    i, j = samples.T
    angle_first = np.arccos(np.clip((first[i] * first[j]).sum(1), -1, 1))
    angle_second = np.arccos(np.clip((second[i] * second[j]).sum(1), -1, 1))
    is_good = (np.minimum(angle_first, angle_second) > _MIN_SAMPLE_ANGLE_RAD) & (
        np.abs(angle_first - angle_second) < 2 * tolerance_rad
    )
    i, j = i[is_good], j[is_good]
    rotations = _frames(second[i], second[j]) @ _frames(first[i], first[j]).transpose(0, 2, 1)
    return np.concatenate([np.eye(3)[None], rotations])


def _frames(a: FloatArray, b: FloatArray) -> FloatArray:
    """Right-handed frames whose first axes lie midway between a and b, (n, 3, 3)."""
    middle = a + b
    normal = np.cross(a, b)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.stack([middle, np.cross(normal, middle), normal], axis=2)


def _weights(
    rotation: FloatArray, first: FloatArray, second: FloatArray, tolerance_rad: float
) -> FloatArray:
    error = ((first @ rotation.T - second) ** 2).sum(axis=1) / tolerance_rad**2
    return np.asarray(np.maximum(0.0, 1.0 - error) ** 2)
