"""Scores: known answers, and agreement with AP computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.nas.detection.scoring import OVERLAPS, score_detections
from tasks.nas.detection.types import AnnotatedImages, Detections, Objects

CLASSES = ("a", "b", "c")


def truth() -> AnnotatedImages:
    """Two images, classes a and b; c does not occur."""
    objects = [
        Objects.of([[0, 0, 10, 10], [20, 20, 40, 40]], [0, 1]),
        Objects.of([[5, 5, 25, 25]], [0]),
    ]
    return AnnotatedImages.of(CLASSES, np.zeros((2, 48, 48, 3), np.uint8), objects)


def said(*rows: tuple[list[float], int, float]) -> Detections:
    boxes, labels, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(scores, np.float32),
    )


PERFECT = [
    said(([0, 0, 10, 10], 0, 0.9), ([20, 20, 40, 40], 1, 0.8)),
    said(([5, 5, 25, 25], 0, 0.7)),
]


def test_perfect_detections_score_one() -> None:
    scores = score_detections(truth(), PERFECT)
    assert scores.mean_ap == scores.ap50 == scores.ap75 == pytest.approx(1)
    assert scores.ap50_of_class == {"a": pytest.approx(1), "b": pytest.approx(1)}
    assert scores.precision50 == pytest.approx([1] * 101)


def test_no_detections_score_zero() -> None:
    scores = score_detections(truth(), [said(), said()])
    assert scores.mean_ap == scores.ap50 == 0


def test_wrong_labels_score_zero() -> None:
    wrong = [Detections(d.boxes, 1 - d.labels, d.scores) for d in PERFECT]
    assert score_detections(truth(), wrong).ap50 == 0


def test_a_box_that_overlaps_by_two_thirds_counts_up_to_that_threshold() -> None:
    shifted = [PERFECT[0], said(([9, 5, 29, 25], 0, 0.95))]  # IoU 16 / 24
    scores = score_detections(truth(), shifted)
    # Class a has two objects: found 2 of 2 below the threshold; above it the best one is wrong.
    right = OVERLAPS < 16 / 24
    half = 0.5 * 51 / 101  # precision 1/2 up to recall 1/2
    of_a = np.where(right, 1, half)
    assert scores.ap_of_overlap == pytest.approx((of_a + 1) / 2)
    assert scores.mean_ap == pytest.approx(np.mean((of_a + 1) / 2))


def test_a_false_alarm_above_a_hit_halves_the_precision() -> None:
    alarmed = [
        said(([30, 0, 40, 10], 1, 0.9), ([20, 20, 40, 40], 1, 0.8), ([0, 0, 10, 10], 0, 0.9)),
        PERFECT[1],
    ]
    scores = score_detections(truth(), alarmed)
    assert scores.ap50_of_class == {"a": pytest.approx(1), "b": pytest.approx(0.5)}


def test_a_crowd_is_neither_found_nor_missed() -> None:
    plain = truth()
    crowd = AnnotatedImages(
        plain.classes,
        plain.images,
        plain.boxes,
        plain.labels,
        np.array([False, True, False]),
        plain.owners,
    )
    inside = [
        said(([0, 0, 10, 10], 0, 0.9), ([22, 22, 30, 30], 1, 0.99)),
        said(([5, 5, 25, 25], 0, 0.7)),
    ]
    scores = score_detections(crowd, inside)
    assert scores.ap50_of_class == {"a": pytest.approx(1)}


def test_every_image_needs_its_detections() -> None:
    with pytest.raises(ValueError, match="1 detections for 2 images"):
        score_detections(truth(), PERFECT[:1])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 8.0), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_the_scale_or_the_order(factor: float, random: object) -> None:
    scaled = AnnotatedImages(
        CLASSES,
        truth().images,
        truth().boxes * np.float32(factor),
        truth().labels,
        truth().is_crowd,
        truth().owners,
    )
    found = []
    for each in [PERFECT[0], said(([9, 5, 29, 25], 0, 0.95), ([0, 0, 4, 4], 1, 0.3))]:
        order = list(range(len(each.labels)))
        random.shuffle(order)  # type: ignore[attr-defined]
        boxes = each.boxes[order] * np.float32(factor)
        found.append(Detections(boxes, each.labels[order], each.scores[order]))
    first = score_detections(
        truth(), [PERFECT[0], said(([9, 5, 29, 25], 0, 0.95), ([0, 0, 4, 4], 1, 0.3))]
    )
    assert score_detections(scaled, found) == first
