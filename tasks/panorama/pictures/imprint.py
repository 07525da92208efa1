"""Where, when and by whom a panorama was taken, from what its photos say.

A photo's heading is that of its own axis, from a compass in the camera; a rig's recorder writes one
heading, its own, into all photos. They are told apart by the numbers: equal headings of cameras
that look different ways are the rig's.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import degrees

import numpy as np

from tasks.panorama.photo_records import PhotoFacts, Position
from tasks.panorama.types import Camera, Rig

_LOG = logging.getLogger(__name__)
_EQUAL_DEG = 0.5
_MIN_LEVEL = 0.5  # share of an axis that is level: of cameras that look up, headings say little
_MIN_AGREEMENT = 0.7  # length of the mean of unit vectors: headings within some 45 degrees


@dataclass(frozen=True)
class Imprint:
    """Where a panorama comes from, as it states itself; None or empty where it is unknown.

    Attributes:
        position: Median of the photos' positions.
        altitude_m: Median of their heights above the sea.
        heading_deg: Compass heading of the whole panorama's middle, 0 to 360.
        is_magnetic: Whether that is counted from magnetic north; else from true north.
        first_date: When the first photo was taken, as `PhotoFacts.taken_at`.
        last_date: When the last one was.
        artist: Who took them.
        copyright: Whose they are.
        make: Maker of the camera that took most of them.
        model: That camera.
    """

    position: Position | None = None
    altitude_m: float | None = None
    heading_deg: float | None = None
    is_magnetic: bool = False
    first_date: str = ""
    last_date: str = ""
    artist: str = ""
    copyright: str = ""
    make: str = ""
    model: str = ""


UNKNOWN = Imprint()


def imprint_of(
    facts: Sequence[PhotoFacts], rig: Rig, forward_deg: float = 0.0, where: str = ""
) -> Imprint:
    """Put together what the photos of a panorama say.

    Args:
        facts: What each photo says.
        rig: Their cameras.
        forward_deg: How far right of the panorama's middle the rig's own forward axis lies.
        where: The capture's id, for messages.
    """
    dates = sorted(each.taken_at for each in facts if each.taken_at)
    altitudes = [each.altitude_m for each in facts if each.altitude_m is not None]
    cameras = Counter((each.make, each.model) for each in facts if each.make or each.model)
    make, model = cameras.most_common(1)[0][0] if cameras else ("", "")
    return Imprint(
        position=position_of(facts),
        altitude_m=float(np.median(altitudes)) if altitudes else None,
        heading_deg=_heading_deg(facts, rig.cameras, forward_deg, where),
        is_magnetic=any(each.is_magnetic for each in facts),
        first_date=dates[0] if dates else "",
        last_date=dates[-1] if dates else "",
        artist=_all_of(each.artist for each in facts),
        copyright=_all_of(each.copyright for each in facts),
        make=make,
        model=model,
    )


def position_of(facts: Iterable[PhotoFacts]) -> Position | None:
    """Median of the positions that photos state; None where none does."""
    found = [each.position for each in facts if each.position is not None]
    if not found:
        return None
    first_deg = found[0].longitude_deg
    # Counted from the first, so that nothing happens where east becomes west.
    east = np.median([(p.longitude_deg - first_deg + 180) % 360 - 180 for p in found])
    return Position(
        latitude_deg=float(np.median([p.latitude_deg for p in found])),
        longitude_deg=float((first_deg + east + 180) % 360 - 180),
    )


def yaw_deg(camera: Camera) -> float:
    """How far right of the panorama's middle a camera looks."""
    axis = camera.camera_from_rig[2]
    return degrees(np.arctan2(axis[0], axis[2]))


def _heading_deg(
    facts: Sequence[PhotoFacts], cameras: Sequence[Camera], forward_deg: float, where: str
) -> float | None:
    known = [
        (each.heading_deg, yaw_deg(camera))
        for each, camera in zip(facts, cameras, strict=True)
        if each.heading_deg is not None
        and np.hypot(*camera.camera_from_rig[2, [0, 2]]) >= _MIN_LEVEL
    ]
    if not known:
        return None
    headings, yaws = np.radians(known).T
    is_the_rig_s = len(known) > 1 and _spread_deg(headings) < _EQUAL_DEG < _spread_deg(yaws)
    middles = headings - (np.radians(forward_deg) if is_the_rig_s else yaws)
    mean = np.exp(1j * middles).mean()
    if abs(mean) < _MIN_AGREEMENT:
        _LOG.warning("%s: the photos' headings contradict each other and are left out", where)
        return None
    return float(degrees(np.angle(mean)) % 360)


def _spread_deg(angles_rad: np.ndarray) -> float:
    """Largest difference from the first angle."""
    return float(np.degrees(np.abs(np.angle(np.exp(1j * (angles_rad - angles_rad[0]))))).max())


def _all_of(texts: Iterable[str]) -> str:
    return "; ".join(sorted({text for text in texts if text}))
