"""Weights of timm find their places, and compute what timm computes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
from timm.layers import AvgPool2dSame
from timm.models.nasnet import NASNetALarge
from torch import nn

from tasks.core.errors import DataError
from tasks.nas.models.baselines import RESNET_LAYERS, make_baseline
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NASNET_LARGE, BaselineSize, NetworkSize
from tasks.nas.models.timm_weights import from_timm
from tasks.nas.space.published import published
from tests.support.nas.drawn_norms import draw_norms


def test_the_published_nasnet_is_recognised_with_its_size() -> None:
    with torch.device("meta"):
        found = from_timm(timm.create_model("nasnetalarge").state_dict())
        assert isinstance(found.size, NetworkSize)
        assert found.genotype is not None
        network = CellNetwork(found.genotype, found.size)
    expected = replace(NASNET_LARGE, image_px=32, drop_path_rate=0.0, dropout_rate=0.0)
    assert found.size == expected
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


def test_nasnet_a_computes_what_timms_computes() -> None:
    """With the same weights, at 35 px, where every map that strides has an odd side.

    Then both pad alike. timm's strided average counts its padding, unlike TensorFlow's, so it is
    put right.
    """
    torch.manual_seed(0)
    oracle = NASNetALarge(num_classes=5, stem_size=8, num_features=24 * 8).eval()
    size = replace(NASNET_LARGE, num_filters=8, num_classes=5, stem_filters=8, image_px=35)
    network = CellNetwork(published("nasnet_a"), size).eval()
    draw_norms(oracle)
    for cell in (m for m in oracle.modules() if hasattr(m, "comb_iter_2_left")):
        if isinstance(cell.comb_iter_2_left, AvgPool2dSame):
            cell.comb_iter_2_left = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
    network.load_state_dict(from_timm(oracle.state_dict()).state)
    images = torch.rand(2, 3, 35, 35)
    with torch.no_grad():
        torch.testing.assert_close(network(images), oracle(images), rtol=1e-4, atol=1e-5)


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
