from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tasks.nas.models import cost
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.proxies.scores import (
    SCORES,
    grad_norm,
    jacob_cov,
    measure,
    mult_adds,
    naswot,
    num_params,
    synflow,
)
from tasks.nas.space.published import published


class Plain(nn.Module):
    """Layers over flattened images; rectifiers as functions."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, images):
        hidden = images.flatten(1)
        for layer in self.layers[:-1]:
            hidden = torch.relu(layer(hidden))
        return self.layers[-1](hidden)


def linear(rows):
    layer = nn.Linear(len(rows[0]), len(rows), bias=False)
    layer.weight.data = torch.tensor(rows, dtype=torch.float32)
    return layer


def batch(num=8, side=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(num, 3, side, side, generator=generator)
    return images, torch.arange(num) % 10


def cells(filters=4, name="nasnet_a"):
    return CellNetwork(published(name), NetworkSize(1, filters, image_px=8))


def test_counts_are_those_of_the_network():
    network, (images, labels) = cells(), batch()
    assert num_params(network, images, labels) == cost.num_params(network)
    assert mult_adds(network, images, labels) == cost.mult_adds(network, 8)


def test_synflow_of_two_layers_is_twice_the_product_of_absolute_weights():
    """Each layer's weights times gradients sum to the output, which conserves flow."""
    first, second = [[1.0, -2.0, 3.0]], [[-4.0], [0.5]]
    images = torch.zeros(1, 3, 1, 1)

    found = synflow(Plain(linear(first), linear(second)), images, torch.tensor([0]))

    assert found == pytest.approx(np.log(2 * (4.0 + 0.5) * (1 + 2 + 3)))


def test_naswot_counts_rectifiers_that_treat_images_alike():
    """Three rectifiers, two images: both pass the first, differ in the others."""
    first = [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]
    network = Plain(linear(first), linear([[1.0, 1.0, 1.0]]))
    images = torch.tensor([[1.0, 1, -1], [1, -1, 1]]).view(2, 3, 1, 1)

    found = naswot(network, images, torch.tensor([0, 0]))

    assert found == pytest.approx(np.log(3 * 3 - 1 * 1))


def test_naswot_of_images_that_look_the_same_is_the_worst():
    images = torch.ones(2, 3, 8, 8)
    assert naswot(cells(), images, torch.tensor([0, 1])) == -np.inf


def test_grad_norm_of_one_layer_is_known():
    """The gradient of the loss of equal logits is (1/2 - target) x."""
    network = Plain(linear([[0.0, 0, 0], [0, 0, 0]]))
    images = torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1)

    found = grad_norm(network, images, torch.tensor([1]))

    assert found == pytest.approx(np.sqrt(2) * 0.5 * 5)


def test_jacobians_of_a_linear_network_all_agree_which_is_the_worst():
    network = Plain(linear([[1.0, -2.0, 0.5]]))
    images, labels = torch.randn(4, 3, 1, 1), torch.zeros(4, dtype=torch.long)

    found = jacob_cov(network, images, labels)

    eigenvalues = np.array([4.0, 0, 0, 0]) + 1e-5
    assert found == pytest.approx(-np.sum(np.log(eigenvalues) + 1 / eigenvalues), rel=1e-4)
    assert found < jacob_cov(cells(), *batch(4))


def test_a_network_that_ignores_the_images_has_the_worst_jacobian():
    network = Plain(linear([[0.0, 0.0, 0.0]]))
    assert jacob_cov(network, torch.randn(2, 3, 1, 1), torch.tensor([0, 0])) == -np.inf


@pytest.mark.parametrize("name", SCORES)
def test_scores_repeat_and_leave_network_batch_and_generator_alone(name):
    torch.manual_seed(5)
    network, (images, labels) = cells(), batch()
    before = copy.deepcopy(network.state_dict())
    kept, state = images.clone(), torch.get_rng_state()

    first, second = (SCORES[name](network, images, labels) for _ in range(2))

    assert first == second
    assert np.isfinite(first)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(weights.grad is None for weights in network.parameters())
    assert torch.equal(images, kept)
    assert images.grad is None
    assert torch.equal(torch.get_rng_state(), state)


def test_seed_decides_the_weights_and_costs_are_measured():
    images, labels = batch()
    first, again, other = (measure(cells, images, labels, seed) for seed in (1, 1, 2))

    values = [{name: each.value for name, each in found.items()} for found in (first, again, other)]
    assert values[0] == values[1]
    assert values[0]["grad_norm"] != values[2]["grad_norm"]
    assert values[0]["num_params"] == values[2]["num_params"]
    assert first.keys() == SCORES.keys()
    assert first["synflow"].cpu_s > 0


def test_wider_networks_have_more_of_what_counts_size():
    images, labels = batch()
    for score in (num_params, mult_adds, synflow):
        narrow, wide = (score(cells(filters), images, labels) for filters in (4, 8))
        assert wide > narrow
