from __future__ import annotations

import pytest
import torch

from tasks.graspgan.networks.content import activation_error, map_loss, pairwise_error


def test_a_picture_may_become_brighter_as_a_whole() -> None:
    given, mask = torch.rand(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    assert pairwise_error(given + 0.3, given, mask).item() == pytest.approx(0, abs=1e-6)
    half = given.clone()
    half[..., :4] += 1.0
    assert pairwise_error(half, given, mask).item() == pytest.approx(0.25, abs=1e-6)


def test_what_lies_outside_of_the_mask_is_free() -> None:
    given, mask = torch.rand(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    made = given.clone()
    made[..., 2:] = 9.0
    assert pairwise_error(made, given, mask).item() == 0


def test_a_right_map_costs_nothing() -> None:
    classes = torch.randint(5, (2, 4, 4))
    logits = 50.0 * torch.nn.functional.one_hot(classes, 5).permute(0, 3, 1, 2)
    assert map_loss(logits, classes).item() == pytest.approx(0, abs=1e-6)
    assert map_loss(-logits, classes).item() > 10


def test_raw_features_are_not_drawn_to_adapted_ones() -> None:
    made, raw = (torch.rand(3, 4, requires_grad=True) for _ in range(2))
    activation_error(made, raw).backward()
    assert made.grad is not None
    assert raw.grad is None
