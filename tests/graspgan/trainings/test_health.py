from __future__ import annotations

import pytest
import torch

from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork
from tasks.graspgan.trainings.health import Health
from tests.support.graspgan.toy_pools import toy_pool


def figures(generator: torch.nn.Module, brightness: int = 0) -> dict[str, float]:
    torch.manual_seed(0)
    predictor = CropNetwork(1, 4, standardises=False, side_px=16)
    health = Health.of(toy_pool(80), toy_pool(80, brightness=brightness), 0)
    return dict(health.figures(generator, predictor))


def test_pictures_like_the_targets_are_well() -> None:
    found = figures(Generator(1, 3, 2, widths=(8, 12)))
    assert found["mean_gap"] < 0.03
    assert found["diversity_ratio"] == pytest.approx(1, abs=0.15)


def test_another_brightness_shows() -> None:
    found = figures(Generator(1, 3, 2, widths=(8, 12)), brightness=60)
    assert found["mean_gap"] == pytest.approx(60 / 127.5, abs=0.08)
    alike = figures(Generator(1, 3, 2, widths=(8, 12)))
    assert found["feature_gap"] > 2 * alike["feature_gap"]


def test_a_generator_that_makes_all_alike_shows() -> None:
    class Same(Generator):
        def forward(self, pictures, station, noise):  # noqa: ANN
            adapted, maps = super().forward(pictures, station, noise)
            return torch.zeros_like(adapted), maps

    assert figures(Same(1, 3, 2, widths=(8, 12)))["diversity_ratio"] < 0.05
