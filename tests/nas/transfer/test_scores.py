"""Means over seeds, paired differences and the winner, on figures known by hand."""

from __future__ import annotations

import pytest

from tasks.nas.transfer.scores import (
    best_network,
    detector_gains,
    detector_scores,
    gains,
    network_scores,
)
from tests.support.nas.transfer_results import detecting, transferred

FOUND = transferred(
    {
        ("nasnet_a", "small", "cifar"): (0.99, 0.99),
        ("nasnet_a", "small", "scratch"): (0.50, 0.54),
        ("resnet", "small", "scratch"): (0.48, 0.54),
        ("nasnet_a", "large", "scratch"): (0.60, 0.62),
        ("resnet", "large", "scratch"): (0.64, 0.63),
        ("nasnet_a", "small", "from_cifar"): (0.55, 0.57),
    }
)


def test_scores_are_means_over_seeds_without_the_trainings_on_cifar() -> None:
    scores = network_scores(FOUND)
    assert [(each.name, each.size, each.group) for each in scores] == [
        ("nasnet_a", "small", "scratch"),
        ("resnet", "small", "scratch"),
        ("nasnet_a", "large", "scratch"),
        ("resnet", "large", "scratch"),
        ("nasnet_a", "small", "from_cifar"),
    ]
    first = scores[0]
    assert first.test.value == pytest.approx(0.52)
    assert first.test.error == pytest.approx(0.02)
    assert first.mean("image_cpu_s") == pytest.approx(4e-4)


def test_differences_are_paired_by_seed_within_size_and_group() -> None:
    found = gains(network_scores(FOUND), "nasnet_a")
    assert set(found) == {("resnet", "small", "scratch"), ("resnet", "large", "scratch")}
    assert found["resnet", "small", "scratch"].value == pytest.approx(0.01)
    assert found["resnet", "small", "scratch"].error == pytest.approx(0.01)
    assert found["resnet", "large", "scratch"].value == pytest.approx(-0.025)


def test_validation_decides_who_wins() -> None:
    best = best_network(network_scores(FOUND))
    assert best is not None
    assert (best.name, best.size) == ("resnet", "large")
    assert best_network([]) is None


def test_a_failed_training_is_left_out_of_its_mean() -> None:
    lost = FOUND.model_copy(update={"networks": FOUND.networks[:-1]})
    assert network_scores(lost)[-1].test.value == pytest.approx(0.55)
    assert network_scores(lost)[-1].test.error is None


def test_detectors_alike() -> None:
    scores = detector_scores(detecting({"nasnet_a": (0.2, 0.3), "resnet": (0.25, 0.25)}))
    assert [each.mean_ap.value for each in scores] == [pytest.approx(0.25)] * 2
    assert scores[0].ap50.value == pytest.approx(0.5)
    gain = detector_gains(scores, "nasnet_a")["resnet"]
    assert gain.value == pytest.approx(0)
    assert gain.error == pytest.approx(0.05)
    assert detector_gains(scores, "unknown") == {}
