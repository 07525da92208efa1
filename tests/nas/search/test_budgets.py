"""Rungs of growing cost: each about three times as dear as the one before."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args, get_type_hints

import pytest

from tasks.nas.config import SearchConfig
from tasks.nas.models.cost import cost_of
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.search.budgets import PROXIES
from tasks.nas.space.published import published

CIFAR_TRAINING_IMAGES, CIFAR_SIDE_PX = 45_000, 32


def test_the_setting_offers_every_proxy() -> None:
    assert set(get_args(get_type_hints(SearchConfig)["proxy"])) == set(PROXIES)


@pytest.mark.parametrize("name", ["8px", "16px", "32px"])
def test_each_rung_costs_some_times_the_one_before(name: str) -> None:
    costs = []
    for rung in PROXIES[name]:
        size = NetworkSize(rung.num_cells, rung.num_filters, image_px=rung.image_px)
        one = cost_of(lambda each=size: CellNetwork(published("nasnet_a"), each), rung.image_px)
        costs.append(one.mult_adds * rung.num_images * rung.num_epochs)
    assert all(2.5 <= high / low <= 15 for low, high in pairwise(costs))
    assert 2.5 <= costs[1] / costs[0] <= 6


def test_rungs_fit_cifar_and_the_last_is_the_papers() -> None:
    for rungs in PROXIES.values():
        for rung in rungs:
            assert rung.num_images <= CIFAR_TRAINING_IMAGES
            assert CIFAR_SIDE_PX % rung.image_px == 0
    last = PROXIES["32px"][-1]
    paper = (32, 32, 2, 45_000, 20)
    found = (last.image_px, last.num_filters, last.num_cells, last.num_images, last.num_epochs)
    assert found == paper
