"""Weights that lie in one tensor: what is trained is the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tasks.nas.models.layout.gathered import Gathered, Gradients, gather
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training import loop
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.standard import Standard
from tests.support.nas.image_sets import coloured


def test_values_stay_and_a_step_of_the_tensor_moves_the_weights() -> None:
    weights = [nn.Parameter(torch.arange(4.0).view(2, 2)), nn.Parameter(torch.ones(1, 3))]
    gathered = Gathered(weights)
    assert weights[0].tolist() == [[0, 1], [2, 3]]
    gathered.flat.data += 10
    assert weights[1].tolist() == [[11, 11, 11]]
    weights[0].data.zero_()
    assert gathered.flat.tolist() == [0, 0, 0, 0, 11, 11, 11]


def test_a_weight_without_gradient_has_zero() -> None:
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(1))]
    gathered = Gathered(weights)
    found = Gradients([gathered])
    (flat,) = found.of_gathered
    assert found.address(weights[1]) == flat[2:].data_ptr()
    assert flat.tolist() == [0, 0, 0]
    other = nn.Parameter(torch.ones(2, 2))
    assert found.address(other) == found.of_weight[other].data_ptr()
    assert found.of_weight.keys() == {other}


def test_matrices_lie_apart_from_vectors() -> None:
    found = gather([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3, 1))])
    assert [(each.holds_matrices, each.flat.numel()) for each in found] == [(True, 3), (False, 2)]
    assert len(gather([nn.Parameter(torch.ones(2))])) == 1


def test_a_training_comes_to_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    genotype = published("nasnet_a")  # whose cells read all that is made
    size = NetworkSize(1, 2, num_classes=3, image_px=4)
    config = TrainingConfig(num_epochs=2, batch_size=16, learning_rate=0.05)

    def trained() -> CellNetwork:
        network = lay_out(seeded(lambda: build(genotype, size), 0), "cpu").double()
        loop.train(
            network, coloured(48, side_px=4), _Double((0.5,) * 3, (0.25,) * 3), config, seed=1
        )
        assert isinstance(network, CellNetwork)
        return network

    gathered = trained()
    monkeypatch.setattr(loop, "gathering_optimiser", loop.make_optimiser)
    separate = trained()
    assert gathered.state_dict().keys() == separate.state_dict().keys()
    for one, other in zip(gathered.parameters(), separate.parameters(), strict=True):
        torch.testing.assert_close(one, other)


class _Double(Standard):
    def tensor(self, pixels: np.ndarray, device: str = "cpu") -> torch.Tensor:
        return super().tensor(pixels, device).double()
