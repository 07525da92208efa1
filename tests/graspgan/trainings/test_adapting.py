from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork
from tasks.graspgan.trainings.adapting import Networks, _pairwise_loss, train_generator
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.health import Health
from tasks.learning.arithmetic import ArithmeticConfig
from tests.support.graspgan.toy_pools import toy_pool
from tests.support.learning.line import Folder

CONFIG = GeneratorConfig(num_steps=4, batch_size=8, num_points=2, num_scales=2)


def networks() -> Networks:
    torch.manual_seed(0)
    return Networks(
        Generator(1, 3, 2, widths=(8, 12)),
        Discriminators(1, 2, num_scales=2, widths=(8, 8)),
        CropNetwork(1, 4, standardises=True, side_px=16),
    )


def test_adapted_pictures_come_nearer_to_the_targets_brightness() -> None:
    source, target = toy_pool(96), toy_pool(96, seed=2, brightness=90)
    made = networks()
    health = Health.of(source, target, 0)
    before = health.figures(made.generator, made.predictor)
    config = replace(
        CONFIG, num_steps=80, batch_size=16, learning_rate=4e-3, map_weight=0.1, num_points=2
    )
    curve = train_generator(made, source, target, config, 0, health)
    assert curve[-1].values["mean_gap"] < 0.6 * before["mean_gap"]
    assert {"task_loss_raw", "task_loss_adapted", "discriminator_loss"} < {*curve[-1].losses}


def test_labels_of_the_target_play_no_part() -> None:
    source, target = toy_pool(32), toy_pool(32, seed=2)
    found = []
    for pool in (target, target.without_labels):
        made = networks()
        train_generator(made, source, pool, CONFIG, 0, Health.of(source, target, 0))
        found.append(torch.cat([w.detach().flatten() for w in made.generator.parameters()]))
    assert torch.equal(*found)


def test_a_painted_crop_becomes_one_of_its_own_station(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = replace(toy_pool(32), painted=(np.ones(32, np.int64),)), toy_pool(32, seed=2)
    told: list[torch.Tensor] = []
    forward = Generator.forward

    def noted(self: Generator, *given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        told.append(given[1])
        return forward(self, *given)

    monkeypatch.setattr(Generator, "forward", noted)
    health = Health.of(source, target, 0)
    curve = train_generator(networks(), source, target, CONFIG, 0, health)
    assert len(told) == CONFIG.num_steps + CONFIG.num_points
    assert torch.cat(told).unique().tolist() == [1]
    assert np.isfinite([*curve[-1].values.values()]).all()


def test_only_what_may_be_grasped_keeps_its_contrasts() -> None:
    given = torch.rand(2, 3, 8, 8) - 0.5
    classes = torch.ones(2, 1, 8, 8, dtype=torch.int64)
    classes[:, :, 2:6, 2:6] = 2
    tray, both = given.clone(), given.clone()
    tray[..., 6:] += 0.4
    both[..., 3:4, :] += 0.4
    assert _pairwise_loss(tray, given, classes).item() == pytest.approx(0, abs=1e-6)
    assert _pairwise_loss(both, given, classes).item() > 0.01


@pytest.mark.parametrize(
    "arithmetic", [ArithmeticConfig(precision="bfloat16"), ArithmeticConfig(channels_last=False)]
)
def test_precision_and_memory_format_change_little(arithmetic: ArithmeticConfig) -> None:
    source, target = toy_pool(32), toy_pool(32, seed=2)
    found = []
    for each in (ArithmeticConfig(), arithmetic):
        made = Networks(*(each.placed(part, "cpu") for part in vars(networks()).values()))
        health = Health.of(source, target, 0)
        curve = train_generator(made, source, target, CONFIG, 0, health, arithmetic=each)
        found.append(curve[-1].losses)
    assert found[1] == pytest.approx(found[0], abs=0.02, rel=0.05)


def test_a_cut_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = toy_pool(32), toy_pool(32, seed=2)
    health = Health.of(source, target, 0)

    def weights(keeper: Folder | None) -> torch.Tensor:
        made = networks()
        train_generator(made, source, target, CONFIG, 0, health, keeper=keeper)
        parts = made.generator, made.discriminators, made.predictor
        return torch.cat([v.double().flatten() for p in parts for v in p.state_dict().values()])

    whole = weights(None)
    seen: list[int] = []
    figures = Health.figures

    def cut(self: Health, *networks: torch.nn.Module) -> object:
        seen.append(0)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return figures(self, *networks)

    with monkeypatch.context() as patch:
        patch.setattr(Health, "figures", cut)
        with pytest.raises(KeyboardInterrupt):
            weights(Folder(tmp_path))
    assert torch.equal(weights(Folder(tmp_path)), whole)
