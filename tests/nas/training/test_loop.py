from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tasks.core.errors import DataError
from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.loop import Trained, accuracy, make_optimiser, rate, step, train
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.standard import Standard
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder

STANDARD = Standard((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
RECIPE = TrainingConfig(num_epochs=3, batch_size=32, learning_rate=0.1)
SIZE = NetworkSize(1, 4, num_classes=3, image_px=8)


def network(size: NetworkSize = SIZE) -> nn.Module:
    return lay_out(seeded(lambda: build(published("amoebanet_a"), size), 0), "cpu")


def test_a_network_learns_what_can_be_learned() -> None:
    images, fresh = coloured(192), coloured(90, seed=1)
    learner = network()
    assert accuracy(learner, fresh, STANDARD) < 0.7
    done = train(learner, images, STANDARD, RECIPE, seed=1)
    assert accuracy(learner, fresh, STANDARD) > 0.9
    assert done.train_loss < 0.5 < math.log(3)


def test_the_seed_decides_all() -> None:
    images = coloured(96)

    def weights(seed: int) -> torch.Tensor:
        learner = network()
        train(learner, images, STANDARD, RECIPE, seed)
        return torch.cat([w.detach().flatten() for w in learner.parameters()])

    torch.manual_seed(7)
    first = weights(1)
    torch.manual_seed(8)
    assert torch.equal(first, weights(1)), "whatever the global generator"
    assert not torch.equal(first, weights(2))


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train(network(), coloured(64), STANDARD, RECIPE, seed=1)
    assert torch.equal(torch.rand(2), expected)


def test_divergence_is_bad_data() -> None:
    learner = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    with torch.no_grad():
        learner[1].weight.fill_(math.nan)
    with pytest.raises(
        DataError,
        match="diverged: the mean loss of steps 1 to 2 of 6 is nan; a lower learning_rate",
    ):
        train(learner, coloured(64), STANDARD, RECIPE, seed=1)


def test_the_rate_rises_and_falls() -> None:
    config = TrainingConfig(learning_rate=0.2, warmup_share=0.25)
    assert [round(rate(config, p), 4) for p in (0, 0.125, 0.25, 0.625, 1)] == [0, 0.1, 0.2, 0.1, 0]
    assert rate(TrainingConfig(learning_rate=0.2, warmup_share=0), 0) == 0.2


def test_only_matrices_decay() -> None:
    learner = network()
    decayed, kept = make_optimiser(learner, RECIPE).param_groups
    assert decayed["weight_decay"] == RECIPE.weight_decay
    assert kept["weight_decay"] == 0
    assert {w.dim() for w in decayed["params"]} == {2, 4}
    assert {w.dim() for w in kept["params"]} == {1}
    assert len(decayed["params"]) + len(kept["params"]) == len(list(learner.parameters()))


def test_the_auxiliary_head_takes_part() -> None:
    size = NetworkSize(1, 4, num_classes=3, image_px=16, has_auxiliary=True)
    config = TrainingConfig(batch_size=32, auxiliary_weight=0.4)
    learner = network(size)
    assert isinstance(learner, CellNetwork)
    assert learner.auxiliary is not None
    before = learner.auxiliary.layers[-1].weight.detach().clone()
    images = STANDARD.tensor(coloured(32, side_px=16).pixels)
    labels = torch.arange(32) % 3
    learner.train()
    step(learner, make_optimiser(learner, config), images, labels, config)
    assert not torch.equal(before, learner.auxiliary.layers[-1].weight)


def test_paths_are_dropped_more_towards_the_end() -> None:
    size = NetworkSize(1, 4, num_classes=3, image_px=8, drop_path_rate=0.3)
    learner = network(size)
    rates: list[float] = []

    def note() -> float:
        rates.append(max(m.rate for m in learner.modules() if isinstance(m, DropPath)))
        return 0.0

    train(learner, coloured(64), STANDARD, RECIPE, seed=1, on_epoch=note)
    assert rates == pytest.approx([0.0, 0.15, 0.3])


def test_the_curve_has_a_point_for_each_epoch() -> None:
    values = iter([0.1, 0.2, 0.3])
    done = train(network(), coloured(64), STANDARD, RECIPE, seed=1, on_epoch=lambda: next(values))
    assert done.curve == (0.1, 0.2, 0.3)


def test_accuracy_counts_over_all_batches() -> None:
    class ByColour(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3))

    images = coloured(1203)
    assert accuracy(ByColour(), images, STANDARD) == 1.0
    images.labels[:401] = (images.labels[:401] + 1) % 3
    assert accuracy(ByColour(), images, STANDARD) == pytest.approx(802 / 1203)
    assert np.all(images.labels < 3)


LONGER = TrainingConfig(num_epochs=4, batch_size=32, drop_path_rate=0.2)
DROPPING = NetworkSize(1, 4, num_classes=3, image_px=8, drop_path_rate=0.2, dropout_rate=0.2)


def resumable(
    keeper: LocalFolder | None, stop_after: int | None = None
) -> tuple[Trained, torch.Tensor, int]:
    network = lay_out(seeded(lambda: build(published("amoebanet_a"), DROPPING), 0), "cpu")
    seen: list[float] = []

    def on_epoch() -> float:
        if len(seen) == stop_after:
            raise KeyboardInterrupt
        seen.append(0.0)
        return float(sum(w.detach().sum() for w in network.parameters()))

    done = train(network, coloured(96), STANDARD, LONGER, seed=1, on_epoch=on_epoch, keeper=keeper)
    state = torch.cat([value.flatten().double() for value in network.state_dict().values()])
    return done, state, len(seen)


def test_a_training_that_was_cut_off_comes_to_the_same_weights(tmp_path: Path) -> None:
    expected, weights, _ = resumable(None)
    with pytest.raises(KeyboardInterrupt):
        resumable(LocalFolder(tmp_path), stop_after=2)
    torch.manual_seed(99)
    done, resumed, num_epochs = resumable(LocalFolder(tmp_path))
    assert num_epochs == 2, "two of four epochs were left"
    assert torch.equal(resumed, weights)
    assert done == expected


def test_one_that_had_ended_trains_no_more(tmp_path: Path) -> None:
    expected, weights, _ = resumable(LocalFolder(tmp_path))
    done, again, num_epochs = resumable(LocalFolder(tmp_path))
    assert num_epochs == 0
    assert torch.equal(again, weights)
    assert done == expected
