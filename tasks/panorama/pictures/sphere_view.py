"""What a viewer shows over a panorama: seams, warp, the photos' names, the worst places."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from tasks.core.ports import ItemFolder
from tasks.panorama.algorithms.stitch.restitch import PROOF_FACTOR, Restitched
from tasks.panorama.pictures.overlays import (
    arrow_factor,
    direction_of,
    photo_middles,
    seam_lines,
    shifts_of,
)
from tasks.panorama.pictures.worst_places import WorstPlace
from tasks.panorama.types import UNREPAIRED
from tasks.panorama.views import Direction, SphereView


def sphere_view(
    found: Restitched, names: Sequence[str], worst: Sequence[WorstPlace], folder: ItemFolder
) -> SphereView:
    """Draw what lies over the published panorama.

    Args:
        found: The capture, stitched.
        names: Names of its photos.
        worst: Its worst seams, on a panorama smaller by `PROOF_FACTOR`.
        folder: Where the drawings are kept.
    """
    warp, long_px, factor = None, 0.0, 1
    if found.decision.published != UNREPAIRED:
        rig = found.outlines[UNREPAIRED].alignment.rig
        shifts = shifts_of(found.maps, found.labels, rig)
        factor, long_px = arrow_factor(shifts), shifts.long_px
        arrows = np.hstack([shifts.after_px, shifts.moved_px]).round(1).tolist()
        (folder.path / "warp.json").write_text(json.dumps(arrows), encoding="utf-8")
        warp = folder.add("warp.json")
    small_px = found.labels.shape[1] // PROOF_FACTOR
    return SphereView(
        seams=folder.add_picture("seams.png", seam_lines(found.labels)),
        warp=warp,
        long_shift_px=long_px,
        arrow_factor=factor,
        photos=tuple(
            _direction(names[index], middle)
            for index, middle in photo_middles(found.labels).items()
        ),
        worst=tuple(
            _direction(
                " and ".join(names[index] for index in place.pair),
                direction_of(place.column_px, place.row_px, small_px),
            )
            for place in worst
        ),
    )


def _direction(title: str, place: tuple[float, float]) -> Direction:
    return Direction(title=title, yaw_deg=round(place[0], 2), pitch_deg=round(place[1], 2))
