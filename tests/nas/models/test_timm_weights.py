"""Weights of timm find their places, and compute timm's features. NASNet-A's: published sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
from timm.models.nasnet import NASNetALarge

from tasks.core.errors import DataError
from tasks.nas.models.baselines import RESNET_LAYERS, make_baseline
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NASNET_LARGE, BaselineSize, NetworkSize
from tasks.nas.models.timm_weights import from_timm


def test_the_published_nasnet_is_recognised_with_its_size() -> None:
    with torch.device("meta"):
        found = from_timm(timm.create_model("nasnetalarge").state_dict())
        assert isinstance(found.size, NetworkSize)
        assert found.genotype is not None
        network = CellNetwork(found.genotype, found.size)
    published = replace(NASNET_LARGE, image_px=32, drop_path_rate=0.0, dropout_rate=0.0)
    assert found.size == published
    assert {n: w.shape for n, w in found.state.items()} == {
        n: w.shape for n, w in network.state_dict().items()
    }


@pytest.mark.parametrize("name", RESNET_LAYERS)
def test_every_weight_of_a_resnet_has_its_place(name: str) -> None:
    with torch.device("meta"):
        found = from_timm(timm.create_model(name).state_dict())
        assert isinstance(found.size, BaselineSize)
        network = make_baseline(found.size)
    assert found.name == name
    assert {n: w.shape for n, w in found.state.items()} == {
        n: w.shape for n, w in network.state_dict().items()
    }


def test_a_resnet_computes_timms_features() -> None:
    torch.manual_seed(0)
    oracle = timm.create_model("resnet18").eval()
    found = from_timm(oracle.state_dict())
    assert isinstance(found.size, BaselineSize)
    network = make_baseline(found.size).eval()
    network.load_state_dict(found.state)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.stages(images)[-1], oracle.forward_features(images))
        torch.testing.assert_close(network(images), oracle(images))


def test_other_networks_are_refused() -> None:
    with torch.device("meta"):
        states = [timm.create_model(name).state_dict() for name in ("resnet18d", "mobilenetv2_050")]
        nasnet = NASNetALarge(num_classes=5, stem_size=8, num_features=24 * 8).state_dict()
    for state in states:
        with pytest.raises(DataError, match=r"expected a state dict of timm's nasnetalarge"):
            from_timm(state)
    nasnet["cell_0.comb_iter_9_left.other.weight"] = torch.zeros(1)
    with pytest.raises(DataError, match=r"other\.weight has no place"):
        from_timm(nasnet)
