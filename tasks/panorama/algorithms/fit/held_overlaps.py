"""Overlaps whose matches mislead, held as the calibration has them while the others are fitted.

Flow that locks onto a repeated pattern is wrong alike in a whole overlap, held-out matches too, so
no fit can tell. Where the pictures do, what those matches say is left out. Nothing would then keep
the two images together, and their other neighbours would pull them apart; so each such match is
replaced by what the calibration says: the pixel of the second image that looks along the first's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import Correspondences, Rig

_HELD_WEIGHT = 0.25  # of what the calibration says, against a match of the same quality


def hold_overlaps(
    matches: Correspondences, pairs: Collection[tuple[int, int]], rig: Rig
) -> Correspondences:
    """Replace the matches of some overlaps by what the calibration says of the same points.

    Args:
        matches: All matches.
        pairs: The overlaps, each a < b.
        rig: The calibration as it was given.

    Returns:
        The matches of the other overlaps as they are; those of these are weaker, none of them is
        held out, and those that the second image doesn't see are gone.
    """
    points_b_px = matches.points_b_px.copy()
    chosen = np.zeros(len(matches), np.bool_)
    seen = np.ones(len(matches), np.bool_)
    for a, b in pairs:
        rows = (matches.image_a == a) & (matches.image_b == b)
        directions = rays(rig.cameras[a], matches.points_a_px[rows])
        points_b_px[rows], seen[rows] = project(rig.cameras[b], directions)
        chosen |= rows
    held = replace(
        matches,
        points_b_px=points_b_px,
        weights=np.where(chosen, _HELD_WEIGHT * matches.weights, matches.weights),
        held_out=matches.held_out & ~chosen,
    )
    return held.select(seen)
