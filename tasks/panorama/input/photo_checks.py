"""What speaks against a capture: black frames, spare exposures, photos and rig that don't fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tasks.panorama.algorithms.calibrate.features import Features
from tasks.panorama.algorithms.calibrate.pair_rotation import angle_rad
from tasks.panorama.algorithms.calibrate.rig_evidence import weigh_rig
from tasks.panorama.algorithms.calibrate.same_view import same_views
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.check_records import CaptureCheck, OverlapCheck, PhotoCheck, Verdict
from tasks.panorama.input.photos import decode_mask
from tasks.panorama.types import ByteImage, Rig

_BLACK_GREY = 10.0  # a night photo's brightest hundredth is above that
_MAX_EXPOSURE_TURN_RAD = np.radians(3.0)
_COPY_LIGHT = 1.05  # ratio of brightness below which photos of one view are copies


class Inspected(Protocol):
    """What is known of a photo."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""

    @property
    def thumbnail(self) -> ByteImage:
        """The photo, small."""

    @property
    def features(self) -> Features:
        """Its sparse features."""

    @property
    def mask_png(self) -> bytes | None:
        """Where it may be used, as PNG; None for everywhere."""


@dataclass(frozen=True)
class Doubts:
    """What speaks against a capture: photos by name, each with the reason.

    Attributes:
        black: Photos that show nothing.
        spare: Further exposures or copies of photos that are used.
        contradicting: Photos that contradict the rig.
        unlinked: Photos that hang together with no others.
        rig: What the rig is worth.
        rig_fault: Why it isn't good; empty if it is.
        overlaps: What sparse matches say of the rig's overlaps.
    """

    black: Mapping[str, str] = field(default_factory=dict)
    spare: Mapping[str, str] = field(default_factory=dict)
    contradicting: Mapping[str, str] = field(default_factory=dict)
    unlinked: Mapping[str, str] = field(default_factory=dict)
    rig: Verdict = "good"
    rig_fault: str = ""
    overlaps: tuple[OverlapCheck, ...] = ()

    @property
    def useless(self) -> dict[str, str]:
        """Photos that no rig could make useful."""
        return {**self.black, **self.spare, **self.unlinked}

    def check(self) -> CaptureCheck:
        """The same as it is recorded."""
        rejected, suspect = {**self.black, **self.contradicting}, {**self.spare, **self.unlinked}
        return CaptureCheck(
            rig=self.rig,
            rig_fault=self.rig_fault,
            photos=(
                *(PhotoCheck(name=n, verdict="rejected", reason=r) for n, r in rejected.items()),
                *(PhotoCheck(name=n, verdict="suspect", reason=r) for n, r in suspect.items()),
            ),
            overlaps=self.overlaps,
        )


def doubts_of_photos(photos: Sequence[Inspected], rig: Rig | None) -> Doubts:
    """Find black frames and spare exposures.

    Args:
        photos: The photos; those of a rig in the order of its cameras.
        rig: The rig; None without one. Cameras that look elsewhere are never spare.
    """
    black = {
        photo.name: "it is black"
        for photo in photos
        if np.percentile(photo.thumbnail.max(axis=2), 99) <= _BLACK_GREY
    }
    groups = same_views(
        [photo.thumbnail for photo in photos],
        [photo.features for photo in photos],
        [max(photo.size_px) for photo in photos],
    )
    spare = {}
    for group in groups:
        used = _used(photos, group)
        for index in group:
            is_one_view = rig is None or _turn_rad(rig, used, index) < _MAX_EXPOSURE_TURN_RAD
            if index != used and photos[index].name not in black and is_one_view:
                spare[photos[index].name] = _spare_reason(photos[index], photos[used])
    return Doubts(black=black, spare=spare)


def doubts_of_rig(
    photos: Sequence[Inspected], rig: Rig, found: Doubts, min_overlap: float, where: str
) -> Doubts:
    """Compare a rig with the photos that nothing speaks against.

    Args:
        photos: The photos, in the order of its cameras.
        rig: The rig.
        found: What speaks against the photos alone.
        min_overlap: Share of an image that another must see for the two to overlap.
        where: The rig's file, for reasons.
    """
    chosen = [index for index, photo in enumerate(photos) if photo.name not in found.useless]
    part = Rig(tuple(rig.cameras[index] for index in chosen))
    pairs = overlapping_pairs(part, min_overlap)
    masks = [photos[index].mask_png for index in chosen]
    usable = [None if mask is None else decode_mask(mask) for mask in masks]
    evidence = weigh_rig([photos[index].features for index in chosen], usable, part, pairs)
    names = [photos[index].name for index in chosen]
    contradicting = {names[index]: why for index, why in evidence.contradicting.items()}
    overlaps = tuple(
        OverlapCheck(
            first=names[first],
            second=names[second],
            num_expected=each.num_expected,
            num_agreeing=each.num_agreeing,
            verdict="suspect" if each.disagrees else "good",
        )
        for (first, second), each in evidence.overlaps.items()
    )
    found = replace(found, overlaps=overlaps)
    if evidence.fits:
        return replace(found, contradicting=contradicting)
    return replace(
        found,
        rig="rejected" if contradicting else "suspect",
        rig_fault=f"{where}: the photos don't bear out this rig ({len(names)} were compared); put "
        "the right one there, or take it away to have the photos calibrated from their content",
    )


def _used(photos: Sequence[Inspected], group: Sequence[int]) -> int:
    """The middle of exposures, dark to light; of its copies the largest, by the plainest name."""
    middle = photos[group[(len(group) - 1) // 2]]
    alike = [index for index in group if _light_ratio(photos[index], middle)[0] < _COPY_LIGHT]
    return min(
        alike, key=lambda index: (-max(photos[index].size_px), len(photos[index].name), index)
    )


def _light_ratio(photo: Inspected, other: Inspected) -> tuple[float, bool]:
    """How far two photos' brightness is apart, 1 and more, and whether the first is lighter."""
    ratio = (float(photo.thumbnail.mean()) + 1) / (float(other.thumbnail.mean()) + 1)
    return max(ratio, 1 / ratio), ratio > 1


def _turn_rad(rig: Rig, first: int, second: int) -> float:
    turn = rig.cameras[first].camera_from_rig @ rig.cameras[second].camera_from_rig.T
    return angle_rad(turn)


def _spare_reason(photo: Inspected, used: Inspected) -> str:
    ratio, is_lighter = _light_ratio(photo, used)
    if ratio < _COPY_LIGHT:
        return f"it shows the same as {used.name}, which is used"
    kind = "lighter" if is_lighter else "darker"
    return f"it is a {kind} exposure of {used.name}; one of each bracket is used"
