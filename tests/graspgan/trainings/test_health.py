from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork
from tasks.graspgan.trainings.health import Health
from tasks.graspgan.trainings.symptoms import symptoms
from tests.support.graspgan.toy_pools import toy_pool


def figures(generator: torch.nn.Module, brightness: int = 0, lamp: int = 0) -> dict[str, float]:
    """Of a target that is brighter, and at its second station brighter still, by a lamp."""
    torch.manual_seed(0)
    predictor = CropNetwork(1, 4, standardises=False, side_px=16)
    target = toy_pool(80, brightness=brightness)
    pictures = np.minimum(target.pictures[0] + lamp * target.station[:, None, None, None], 255)
    target = replace(target, pictures=(pictures.astype(np.uint8),))
    health = Health.of(toy_pool(80), target, 0)
    return dict(health.figures(generator, predictor))


def told(values: dict[str, float]) -> dict[str, str]:
    """What is said of a generator whose losses are well."""
    losses = {"discriminator_loss": 0.4, "task_loss_raw": 0.4, "task_loss_adapted": 0.45}
    return symptoms(losses | values, "from_cut")


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
        def forward(self, pictures, station, noise):
            adapted, maps = super().forward(pictures, station, noise)
            return torch.zeros_like(adapted), maps

    found = figures(Same(1, 3, 2, widths=(8, 12)))
    assert found["diversity_ratio"] < 0.05
    assert max(found[f"diversity_ratio_station_{k}"] for k in (0, 1)) < 0.05
    assert {"diversity_ratio_station_0", "diversity_ratio_station_1"} <= {*told(found)}


def test_a_generator_that_knows_one_station_shows() -> None:
    class Lit(Generator):
        def forward(self, pictures, station, noise):
            adapted, maps = super().forward(pictures, station, noise)
            return adapted + station[:, None, None, None] * 60 / 127.5, maps

    well = figures(Lit(1, 3, 2, widths=(8, 12)), lamp=60)
    assert well["own_over_other_station_0"] < 0.5
    assert well["own_over_other_station_1"] < 0.5
    assert told(well) == {}
    collapsed = figures(Generator(1, 3, 2, widths=(8, 12)), lamp=60)
    assert collapsed["own_over_other_station_0"] < 0.5, "it is this one's that all look like"
    assert collapsed["own_over_other_station_1"] > 2
    assert [*told(collapsed)] == ["own_over_other_station_1"]


def test_few_pictures_of_a_station_say_nothing_of_it() -> None:
    torch.manual_seed(0)
    predictor = CropNetwork(1, 4, standardises=False, side_px=16)
    health = Health.of(toy_pool(7), toy_pool(7), 0)
    found = health.figures(Generator(1, 3, 2, widths=(8, 12)), predictor)
    assert not [name for name in found if "station" in name]
    assert "diversity_ratio" in found


def test_knowing_how_many_succeed_is_what_c_has_to_beat() -> None:
    found = figures(Generator(1, 3, 2, widths=(8, 12)))
    share = float(toy_pool(80).success.mean())
    guess = np.full(80, share)
    assert found["blind_loss"] == pytest.approx(log_loss(toy_pool(80).success, guess))
