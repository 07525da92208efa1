"""Plots are pictures in which every network can be seen, also where nothing was trained."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.nas.transfer.plots import detection_plot, family_plot
from tasks.nas.transfer.scores import detector_scores, network_scores
from tests.support.nas.transfer_results import detecting, transferred

NAMES = ("nasnet_a", "resnet", "mobilenet_v2")
COLOURS = {"nasnet_a": (0, 114, 178), "resnet": (213, 94, 0), "mobilenet_v2": (0, 158, 115)}


def pixels(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[..., ::-1]


def num_of(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=-1) < 10).sum())


def test_the_family_shows_every_network_in_its_colour() -> None:
    accuracies = {
        (name, size, group): (0.4 + 0.1 * k + 0.02 * n, 0.41 + 0.1 * k + 0.02 * n)
        for n, name in enumerate(NAMES)
        for k, size in enumerate(("small", "medium", "large"))
        for group in ("scratch", "from_cifar")
    }
    picture = pixels(family_plot(network_scores(transferred(accuracies))))
    assert picture.shape[1] == 1200
    for colour in COLOURS.values():
        assert num_of(picture, colour) > 300
    first = transferred({key: v for key, v in accuracies.items() if key[0] == "nasnet_a"})
    assert num_of(pixels(family_plot(network_scores(first))), COLOURS["resnet"]) == 0


def test_detection_shows_every_backbone_in_its_colour() -> None:
    scores = detector_scores(
        detecting({name: (0.1 + 0.1 * n, 0.15) for n, name in enumerate(NAMES)})
    )
    picture = pixels(detection_plot(scores))
    for colour in COLOURS.values():
        assert num_of(picture, colour) > 300


@pytest.mark.parametrize("plot", [family_plot, detection_plot])
def test_an_empty_plot_says_so(plot) -> None:  # type: ignore[no-untyped-def]
    assert pixels(plot([])).min() < 120
