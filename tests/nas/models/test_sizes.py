"""Exact checks: published networks have their published sizes, and NASNet-A that of timm's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch

from tasks.nas.models.cost import cost_of, mult_adds, num_params
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NASNET_LARGE, NetworkSize
from tasks.nas.space.published import published

NASNET_A, AMOEBANET_A = published("nasnet_a"), published("amoebanet_a")
MOBILE = NetworkSize(4, 44, 1000, "imagenet", 224)
# AmoebaNet-A's ImageNet networks; the larger was measured at 299 px, as its code is set up.
AMOEBA_190 = replace(NASNET_LARGE, num_filters=190, stem_filters=32)
AMOEBA_448 = replace(AMOEBA_190, num_filters=448, image_px=299)


@pytest.fixture(scope="module")
def large():
    return cost_of(lambda: CellNetwork(NASNET_A, NASNET_LARGE), NASNET_LARGE.image_px)


def test_nasnet_a_large_has_its_published_size(large) -> None:
    """Zoph et al. (2018), table 2: 88.9 M weights, 23.8 B multiply-adds at 331 px."""
    assert large.num_params == pytest.approx(88.9e6, rel=0.01)
    assert large.mult_adds == pytest.approx(23.8e9, rel=0.01)


def test_nasnet_a_large_has_the_size_of_timms_to_the_last_one(large) -> None:
    with torch.device("meta"):
        oracle = timm.create_model("nasnetalarge")
    assert large.num_params == num_params(oracle)
    assert large.mult_adds == mult_adds(oracle, NASNET_LARGE.image_px)


@pytest.mark.parametrize(
    ("genotype", "size", "params_m", "mult_adds_m"),
    [
        (NASNET_A, MOBILE, 5.3, 564),  # Zoph et al. (2018), table 3
        (NASNET_A, NetworkSize(6, 32), 3.3, None),  # table 1, 6 @ 768
        (AMOEBANET_A, NetworkSize(6, 32), 2.6, None),  # Real et al. (2019), table 1
        (AMOEBANET_A, NetworkSize(6, 36), 3.2, None),
        pytest.param(AMOEBANET_A, AMOEBA_190, 86.7, 23_100, marks=pytest.mark.slow),  # table 2
        pytest.param(AMOEBANET_A, AMOEBA_448, 469, 104_000, marks=pytest.mark.slow),
    ],
)
def test_published_networks_have_their_published_sizes(
    genotype, size, params_m, mult_adds_m
) -> None:
    """Half of the last digit that the papers print, or 1 % where that is less."""
    with torch.device("meta"):
        network = CellNetwork(genotype, size)
    tolerance = max(0.05, 0.01 * params_m) if params_m < 100 else 1.0
    assert num_params(network) / 1e6 == pytest.approx(params_m, abs=tolerance)
    if mult_adds_m is not None:
        found = mult_adds(network, size.image_px) / 1e6
        assert found == pytest.approx(mult_adds_m, rel=0.01)
