from __future__ import annotations

import pytest
import torch

from tasks.graspgan.networks.discriminator import Discriminators, made_loss, real_loss


def test_each_scale_judges_patches() -> None:
    judges = Discriminators(1, 2, num_scales=3)
    found = judges(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]))
    assert [each.shape[2] for each in found] == [16, 8, 4]


def test_losses_are_distances_from_what_should_be_said() -> None:
    said = [torch.full((1, 1, 2, 2), 0.8), torch.full((1, 1, 1, 1), 0.6)]
    assert real_loss(said).item() == pytest.approx((0.04 + 0.16) / 2)
    assert made_loss(said).item() == pytest.approx((0.64 + 0.36) / 2)
