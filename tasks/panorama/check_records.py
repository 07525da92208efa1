"""Records of what captures, photos and overlaps are worth."""

from __future__ import annotations

from typing import Literal

from tasks.core.records import Record

Verdict = Literal["good", "suspect", "rejected"]
WORST_FIRST: tuple[Verdict, ...] = ("rejected", "suspect", "good")


class PhotoCheck(Record):
    """What a photo is worth, against its rig and the other photos."""

    schema_id = "panorama.photo_check/1"

    name: str
    verdict: Verdict
    reason: str


class OverlapCheck(Record):
    """What two photos say of an overlap that the rig claims.

    Attributes:
        first: Name of the first photo.
        second: Name of the second photo.
        num_expected: Sparse features that lie in it, of the photo that shows fewer.
        num_agreeing: Sparse matches that the rig brings together.
        verdict: ``suspect`` where few agree of many; ``good`` where nothing speaks against it.
    """

    schema_id = "panorama.overlap_check/1"

    first: str
    second: str
    num_expected: int
    num_agreeing: int
    verdict: Verdict


class CaptureCheck(Record):
    """Whether photos and rig belong together.

    Attributes:
        rig: What the rig that was given is worth; ``good`` without one.
        rig_fault: Why it isn't good; empty if it is.
        photos: Photos that are not good, with the reason.
        overlaps: What each overlap of a rig says; none without a rig.
    """

    schema_id = "panorama.capture_check/1"

    rig: Verdict
    rig_fault: str
    photos: tuple[PhotoCheck, ...]
    overlaps: tuple[OverlapCheck, ...]


class OverlapVerdict(Record):
    """What an overlap is worth.

    Attributes:
        first: Name of the first photo.
        second: Name of the second photo.
        similarity: Structural similarity of the two as they are published.
        verdict: By that, and by what the sparse matches say.
    """

    schema_id = "panorama.overlap_verdict/1"

    first: str
    second: str
    similarity: float
    verdict: Verdict
