"""Networks of cells: any genotype runs forth and back; stems, heads and sizes fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from tasks.core.errors import ConfigError
from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.types import Genotype, Operation
from tests.support.nas.genotypes import genotypes

TINY = NetworkSize(num_cells=1, num_filters=4, image_px=8)
IMAGENET = NetworkSize(num_cells=1, num_filters=8, num_classes=7, stem="imagenet", image_px=33)
NASNET_A = published("nasnet_a")


def check_shapes_and_gradients(genotype: Genotype) -> None:
    """A training step: sizes as they should be, and finite gradients for all that is read."""
    torch.manual_seed(0)
    network = CellNetwork(genotype, TINY)
    maps = network.stages(torch.randn(2, 3, 8, 8))
    assert [each.shape[2:] for each in maps] == [(8, 8), (4, 4), (2, 2)]
    assert [each.shape[1] for each in maps] == list(network.stage_channels)
    logits = network.classify(maps[-1])
    assert logits.shape == (2, 10)
    torch.nn.functional.cross_entropy(logits, torch.arange(2)).backward()
    gradients = [weights.grad for weights in network.parameters()]
    alive = [gradient for gradient in gradients if gradient is not None]
    # A cell that ignores h_i leaves the cell below unread; else every weight counts.
    reads_current = all(1 in {*cell.read_states, *cell.concat} for _, cell in genotype.cells())
    assert len(alive) == len(gradients) or not reads_current
    assert all(gradient.isfinite().all() for gradient in alive)
    assert any(gradient.any() for gradient in alive)


ANY = genotypes(operations=tuple(Operation))
PATIENT = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would train for minutes
)


@settings(PATIENT, max_examples=20)
@given(ANY)
def test_any_genotype_runs_and_has_gradients(genotype) -> None:
    check_shapes_and_gradients(genotype)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(PATIENT, max_examples=1000)
@given(ANY)
def test_a_thousand_genotypes_run_and_have_gradients(genotype) -> None:
    check_shapes_and_gradients(genotype)


def test_a_network_learns_its_batch() -> None:
    torch.manual_seed(0)
    network = CellNetwork(NASNET_A, TINY)
    images, labels = torch.randn(16, 3, 8, 8), torch.arange(16) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(15):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_stages_halve_and_double() -> None:
    network = CellNetwork(NASNET_A, replace(TINY, image_px=32)).eval()
    maps = network.stages(torch.rand(1, 3, 32, 32))
    assert [tuple(each.shape) for each in maps] == [
        (1, 24, 32, 32),
        (1, 48, 16, 16),
        (1, 96, 8, 8),
    ]
    assert network.stage_channels == (24, 48, 96)
    assert network.num_features == 96


def test_the_imagenet_stem_halves_three_times_more() -> None:
    network = CellNetwork(NASNET_A, IMAGENET).eval()
    maps = network.stages(torch.rand(1, 3, 33, 33))
    assert [each.shape[-1] for each in maps] == [4, 2, 1]
    assert network(torch.rand(2, 3, 64, 96)).shape == (2, 7)


def test_filters_may_be_fractions() -> None:
    network = CellNetwork(NASNET_A, replace(TINY, num_filters=4.25))
    assert network.stage_channels == (6 * 4, 6 * 9, 6 * 17)


def test_the_auxiliary_head_classifies_too() -> None:
    size = replace(TINY, image_px=32, has_auxiliary=True)
    network = CellNetwork(NASNET_A, size)
    logits, auxiliary = network.forward_with_auxiliary(torch.rand(2, 3, 32, 32))
    assert logits.shape == auxiliary.shape == (2, 10)
    plain = CellNetwork(NASNET_A, replace(size, has_auxiliary=False))
    with pytest.raises(ConfigError, match="no auxiliary head"):
        plain.forward_with_auxiliary(torch.rand(2, 3, 32, 32))


def test_paths_are_dropped_more_in_deeper_cells() -> None:
    network = CellNetwork(NASNET_A, replace(TINY, num_cells=2, drop_path_rate=0.4))
    network.schedule_drop_path(0.5)
    rates = [m.rate for m in network.modules() if isinstance(m, DropPath)]
    assert rates == pytest.approx([0.2 * (k + 1) / 8 for k in range(8)])


def test_the_same_seed_gives_the_same_network() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(CellNetwork(NASNET_A, TINY).eval())
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(networks[0](images), networks[1](images), rtol=0, atol=0)


def test_both_memory_formats_agree() -> None:
    network = CellNetwork(NASNET_A, TINY).eval()
    images = torch.rand(2, 3, 8, 8)
    expected = network(images)
    last = network.to(memory_format=torch.channels_last)
    found = last(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem": "mnist"}, "stem is 'mnist'; expected cifar or imagenet"),
        ({"num_cells": 0}, "at least one cell"),
        ({"num_filters": 0.5}, "at least 1 filters"),
        ({"stem": "imagenet", "num_filters": 3}, "at least 4 filters"),
    ],
)
def test_a_wrong_spec_is_refused(changes, message) -> None:
    with pytest.raises(ConfigError, match=message):
        CellNetwork(NASNET_A, replace(TINY, **changes))
