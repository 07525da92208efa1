"""What a panorama is worth by itself, beside whether its repair is better than none.

The gate compares a repair with the unrepaired stitch of the same photos, so of photos that don't
belong together it publishes the less bad garbage. The verdict is absolute: by the photos and the
rig that came in (`calibrate.rig_evidence`), and by what overlaps look like as they are published.
A capture is worth what its worst part is worth. A pure function of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.panorama.check_records import CaptureCheck, OverlapVerdict, Verdict

Pair = tuple[int, int]

# Structural similarity of overlapping images as they are published. Of photos that don't belong
# together it was 0.10 to 0.35; noise and leaves bring sound overlaps down to about 0.5.
_UNLIKE, _DOUBTFUL = 0.35, 0.5
_MAX_UNLIKE_SHARE = 1 / 3  # of the area of all overlaps: beyond, it is not one overlap's parallax
_MAX_UNLIKE_ANYWAY = 1 / 2  # of it, even where sparse matches agree


@dataclass(frozen=True)
class Overlap:
    """What is known of an overlap.

    Attributes:
        similarity: Structural similarity of the two images as they are published.
        area_px: What it was measured on.
    """

    similarity: float
    area_px: int


@dataclass(frozen=True)
class Worth:
    """What a capture is worth.

    Attributes:
        verdict: Of the whole.
        doubts: What of it isn't good, in words; of a good capture a few overlaps may not be.
        overlaps: What each overlap is worth.
    """

    verdict: Verdict
    doubts: tuple[str, ...]
    overlaps: tuple[OverlapVerdict, ...]


def worth_of(check: CaptureCheck, names: Sequence[str], overlaps: Mapping[Pair, Overlap]) -> Worth:
    """Judge a capture and its overlaps.

    Args:
        check: What came in.
        names: The photos that are published.
        overlaps: What is published, by the indices of two photos.
    """
    sparse = {(each.first, each.second): each.verdict for each in check.overlaps}
    judged = {
        (a, b): (overlap, overlap_verdict(overlap, sparse.get((names[a], names[b]))))
        for (a, b), overlap in overlaps.items()
    }
    records = tuple(
        OverlapVerdict(
            first=names[a],
            second=names[b],
            similarity=round(overlap.similarity, 4),
            verdict=verdict,
        )
        for (a, b), (overlap, verdict) in judged.items()
    )
    verdict = capture_verdict(check.rig, [photo.verdict for photo in check.photos], judged)
    return Worth(verdict, _doubts(check, records), records)


def overlap_verdict(overlap: Overlap, sparse: Verdict | None) -> Verdict:
    """Judge one overlap.

    Args:
        overlap: What the picture says.
        sparse: What the sparse matches say; None where they were not asked.
    """
    if overlap.similarity >= _DOUBTFUL:
        return "good"
    if overlap.similarity < _UNLIKE and sparse != "good":
        return "rejected"
    return "suspect"


def capture_verdict(
    rig: Verdict, photos: Sequence[Verdict], overlaps: Mapping[Pair, tuple[Overlap, Verdict]]
) -> Verdict:
    """Judge a capture.

    Args:
        rig: What its rig is worth.
        photos: What those of its photos are worth that are not good.
        overlaps: Each overlap with its verdict.
    """
    area = {
        verdict: sum(each.area_px for each, found in overlaps.values() if found == verdict)
        for verdict in ("good", "suspect", "rejected")
    }
    unlike = sum(each.area_px for each, _ in overlaps.values() if each.similarity < _UNLIKE)
    is_garbage = area["rejected"] > _MAX_UNLIKE_SHARE * sum(area.values())
    is_garbage |= unlike > _MAX_UNLIKE_ANYWAY * sum(area.values())
    if rig == "rejected" or "rejected" in photos or is_garbage:
        return "rejected"
    doubtful = area["rejected"] + area["suspect"] > 0.5 * sum(area.values())
    is_doubted = rig == "suspect" or "suspect" in photos or area["rejected"] > 0 or doubtful
    return "suspect" if is_doubted else "good"


def _doubts(check: CaptureCheck, overlaps: Sequence[OverlapVerdict]) -> tuple[str, ...]:
    unlike = [
        f"photos {each.first} and {each.second} hardly agree where they overlap "
        f"(similarity {each.similarity:.2f})"
        for each in overlaps
        if each.verdict != "good"
    ]
    rig = [check.rig_fault] if check.rig_fault else []
    return (*rig, *(f"photo {each.name}: {each.reason}" for each in check.photos), *unlike)
