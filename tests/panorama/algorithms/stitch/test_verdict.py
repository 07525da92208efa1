from __future__ import annotations

import pytest

from tasks.panorama.algorithms.stitch.verdict import (
    Overlap,
    capture_verdict,
    overlap_verdict,
    worth_of,
)
from tasks.panorama.check_records import CaptureCheck, OverlapCheck, PhotoCheck


@pytest.mark.parametrize(
    ("similarity", "sparse", "expected"),
    [
        (0.9, "good", "good"),
        (0.9, "suspect", "good"),
        (0.45, None, "suspect"),
        (0.2, "good", "suspect"),
        (0.2, "suspect", "rejected"),
        (0.2, None, "rejected"),
    ],
)
def test_an_overlap_is_judged_by_what_it_looks_like_and_by_its_matches(
    similarity, sparse, expected
):
    assert overlap_verdict(Overlap(similarity, 1000), sparse) == expected


def overlaps(**areas):
    return {
        (index, index + 1): (Overlap(0.9, area), verdict)
        for index, (verdict, area) in enumerate(areas.items())
    }


@pytest.mark.parametrize(
    ("rig", "photos", "found", "expected"),
    [
        ("good", [], overlaps(good=9), "good"),
        ("good", [], {}, "good"),
        ("rejected", [], overlaps(good=9), "rejected"),
        ("suspect", [], overlaps(good=9), "suspect"),
        ("good", ["suspect"], overlaps(good=9), "suspect"),
        ("good", ["suspect", "rejected"], overlaps(good=9), "rejected"),
        ("good", [], overlaps(good=9, suspect=1), "good"),
        ("good", [], overlaps(good=4, suspect=5), "suspect"),
        ("good", [], overlaps(good=9, rejected=1), "suspect"),
        ("good", [], overlaps(good=9, rejected=6), "rejected"),
    ],
)
def test_a_capture_is_worth_what_its_worst_part_is_worth(rig, photos, found, expected):
    assert capture_verdict(rig, photos, found) == expected


def test_the_worth_of_a_capture_says_why():
    agreeing = OverlapCheck(first="a", second="b", num_expected=90, num_agreeing=40, verdict="good")
    photo = PhotoCheck(name="x", verdict="suspect", reason="it is a lighter exposure of a")
    check = CaptureCheck(rig="good", rig_fault="", photos=(photo,), overlaps=(agreeing,))

    found = worth_of(check, "abc", {(0, 1): Overlap(0.3, 400), (1, 2): Overlap(0.8, 600)})

    assert found.verdict == "suspect"
    assert found.doubts == (
        "photo x: it is a lighter exposure of a",
        "photos a and b hardly agree where they overlap (similarity 0.30)",
    )
    assert [(o.first, o.second, o.verdict) for o in found.overlaps] == [
        ("a", "b", "suspect"),
        ("b", "c", "good"),
    ]
    unlike = {(0, 1): Overlap(0.3, 600), (1, 2): Overlap(0.8, 400)}
    assert worth_of(check, "abc", unlike).verdict == "rejected", "whatever sparse matches say"
    wrong = check.model_copy(update={"rig": "rejected", "rig_fault": "p.pto: no", "photos": ()})
    assert worth_of(wrong, "abc", {}).verdict == "rejected"
    assert worth_of(wrong, "abc", {}).doubts == ("p.pto: no",)
