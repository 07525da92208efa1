"""Sheets show detections in the colour of their class, and leave doubtful ones out."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.nas.detection.pictures import detection_sheet
from tasks.nas.detection.types import AnnotatedImages, Detections, Objects

ORANGE = (213, 94, 0)  # of the second class


def sheet(score: float, num_images: int = 5) -> np.ndarray:
    images = AnnotatedImages.of(
        ("a", "b"),
        np.full((5, 32, 32, 3), 128, np.uint8),
        [Objects.of([[4, 4, 20, 24]], [0])] * 5,
    )
    found = Detections(
        np.array([[6, 5, 21, 26]], np.float32), np.array([1]), np.array([score], np.float32)
    )
    png = detection_sheet(images, [found] * 5, num_images, "resnet")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[..., ::-1]


def num_orange(picture: np.ndarray) -> int:
    return int((np.abs(picture.astype(int) - ORANGE).max(axis=-1) < 12).sum())


def test_detections_are_drawn_in_the_colour_of_their_class() -> None:
    one, five = num_orange(sheet(0.9, num_images=1)), num_orange(sheet(0.9))
    assert one > 500
    assert five > 4 * one


def test_doubtful_detections_are_left_out() -> None:
    assert num_orange(sheet(0.3)) == 0


def test_the_truth_is_drawn_in_white() -> None:
    picture = sheet(0.3, num_images=1)
    inside = picture[80:-20, 20:-20]
    assert ((inside == 255).all(axis=-1)).sum() > 100
