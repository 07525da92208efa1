from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.loop import Trained, train
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.standard import Standard
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder

STANDARD = Standard((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
RECIPE = TrainingConfig(num_epochs=4, batch_size=32, drop_path_rate=0.2)
SIZE = NetworkSize(1, 4, num_classes=3, image_px=8, drop_path_rate=0.2, dropout_rate=0.2)


def run(
    keeper: LocalFolder | None, stop_after: int | None = None
) -> tuple[Trained, torch.Tensor, int]:
    network = lay_out(seeded(lambda: build(published("amoebanet_a"), SIZE), 0), "cpu")
    seen: list[float] = []

    def on_epoch() -> float:
        if len(seen) == stop_after:
            raise KeyboardInterrupt
        seen.append(0.0)
        return float(sum(w.detach().sum() for w in network.parameters()))

    done = train(network, coloured(96), STANDARD, RECIPE, seed=1, on_epoch=on_epoch, keeper=keeper)
    state = torch.cat([value.flatten().double() for value in network.state_dict().values()])
    return done, state, len(seen)


def test_a_training_that_was_cut_off_comes_to_the_same_weights(tmp_path: Path) -> None:
    expected, weights, _ = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(LocalFolder(tmp_path), stop_after=2)
    torch.manual_seed(99)
    done, resumed, num_epochs = run(LocalFolder(tmp_path))
    assert num_epochs == 2, "two of four epochs were left"
    assert torch.equal(resumed, weights)
    assert done == expected


def test_one_that_had_ended_trains_no_more(tmp_path: Path) -> None:
    expected, weights, _ = run(LocalFolder(tmp_path))
    done, again, num_epochs = run(LocalFolder(tmp_path))
    assert num_epochs == 0
    assert torch.equal(again, weights)
    assert done == expected
