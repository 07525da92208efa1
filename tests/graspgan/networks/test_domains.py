from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.graspgan.networks.domains import (
    SOURCE,
    TARGET,
    DomainClassifier,
    DomainNorm,
    adapt_norms,
    copy_source_norms,
    reversal_weight,
    reverse_gradient,
    set_domain,
)


def test_each_domain_has_statistics_of_its_own() -> None:
    network = nn.Sequential(DomainNorm(2))
    maps = torch.randn(16, 2, 4, 4)
    set_domain(network, SOURCE)(maps)
    set_domain(network, TARGET)(5 + 3 * maps)
    (norm,) = network
    source, target = norm.norms
    assert source.running_mean.abs().max() < 0.1 < 0.4 < target.running_mean.min()
    copy_source_norms(network)
    assert torch.equal(target.running_mean, source.running_mean)


def test_statistics_of_unlabelled_pictures_are_taken_over_whole() -> None:
    network = nn.Sequential(DomainNorm(1))
    batches = [(value + torch.randn(4, 1, 2, 2) / 9,) for value in (2.0, 4.0)]
    adapt_norms(network, batches)
    assert network[0].norms[TARGET].running_mean.item() == pytest.approx(3.0, abs=0.1)
    assert network[0].norms[SOURCE].running_mean.item() == 0
    assert not network.training
    assert network[0].norms[TARGET].momentum == 0.1


def test_a_reversed_gradient_drives_features_together() -> None:
    features = torch.randn(5, 3, requires_grad=True)
    same = reverse_gradient(features, 0.5)
    assert torch.equal(same, features)
    (same * 2).sum().backward()
    assert features.grad is not None
    assert torch.equal(features.grad, torch.full((5, 3), -1.0))


def test_the_weight_rises_from_nothing_to_its_peak() -> None:
    assert reversal_weight(0.0, 0.3) == 0
    assert reversal_weight(0.5, 0.3) == pytest.approx(0.3 * 0.98661, abs=1e-4)
    assert reversal_weight(1.0, 0.3) == pytest.approx(0.3, abs=1e-4)


def test_domains_that_differ_are_told_apart() -> None:
    torch.manual_seed(0)
    judge = DomainClassifier(4)
    descent = torch.optim.Adam(judge.parameters(), 0.02)
    features = torch.cat([torch.randn(64, 4) - 1, torch.randn(64, 4) + 1])
    domain = torch.arange(2).repeat_interleave(64).float()
    for _ in range(40):
        loss = nn.functional.binary_cross_entropy_with_logits(judge(features), domain)
        descent.zero_grad()
        loss.backward()
        descent.step()
    assert ((judge(features) > 0) == (domain > 0)).float().mean() > 0.95
