"""Which way is up, and which way is the middle of the panorama, from the photos alone.

Source: M. Brown and D. Lowe, "Automatic Panoramic Image Stitching using Invariant Features"
(2007), section 5: people hold cameras level, so that the images' horizontal axes lie in one
plane, and up is its normal. Deviation: where those axes hardly span a plane (few photos, or
photos above each other), the mean of the images' own up directions decides: it counts as one
observation, with the spread of tilts (10 degrees) against that of rolls (1.5 degrees).
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.types import FloatArray

_OWN_UP_WEIGHT = (1.5 / 10.0) ** 2
_FULL_TURN_GAP_RAD = np.radians(60.0)


def level(rig_from_camera: FloatArray) -> FloatArray:
    """Turn the rig so that up is up and the photos' middle lies ahead.

    Args:
        rig_from_camera: (num_images, 3, 3) in any rig frame.

    Returns:
        (num_images, 3, 3) in the levelled frame: x right, y down, z to the middle of the
        photos; to the first photo where they go all the way round.
    """
    up = _up(rig_from_camera)
    ahead = _ahead(rig_from_camera[:, :, 2], up)
    right = np.cross(-up, ahead)
    old_from_new = np.column_stack([right, -up, ahead])
    return np.asarray(old_from_new.T @ rig_from_camera)


def _up(rig_from_camera: FloatArray) -> FloatArray:
    rights = rig_from_camera[:, :, 0]
    mean_up = -rig_from_camera[:, :, 1].mean(axis=0)
    mean_up /= max(float(np.linalg.norm(mean_up)), 1e-12)
    spread = rights.T @ rights
    spread += _OWN_UP_WEIGHT * (np.eye(3) - np.outer(mean_up, mean_up))
    normal = np.linalg.eigh(spread)[1][:, 0]
    return np.asarray(normal if normal @ mean_up >= 0 else -normal)


def _ahead(axes: FloatArray, up: FloatArray) -> FloatArray:
    """The horizontal direction opposite to the widest gap between the photos."""
    first = axes[0] - (axes[0] @ up) * up
    if np.linalg.norm(first) < 1e-6:
        first = np.linalg.svd(up[None])[2][1]
    first = first / np.linalg.norm(first)
    right = np.cross(first, up)
    angles = np.sort(np.arctan2(axes @ right, axes @ first))
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    widest = int(gaps.argmax())
    if gaps[widest] < _FULL_TURN_GAP_RAD:
        return np.asarray(first)
    middle = angles[widest] + gaps[widest] / 2 + np.pi
    return np.asarray(np.cos(middle) * first + np.sin(middle) * right)
