"""Baselines of published size are the published networks."""

from __future__ import annotations

import pytest
import torch
import torchvision

from tasks.core.errors import ConfigError
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.cost import cost_of
from tasks.nas.models.sizes import BaselineSize

RESNET_18 = BaselineSize("resnet", 64, 2, 1000, "imagenet", 224)
MOBILENET_V2 = BaselineSize("mobilenet_v2", 1, num_classes=1000, stem="imagenet", image_px=224)


@pytest.mark.parametrize(
    ("size", "oracle"),
    [
        (RESNET_18, torchvision.models.resnet18),
        (MOBILENET_V2, torchvision.models.mobilenet_v2),
    ],
)
def test_the_imagenet_networks_cost_what_torchvisions_cost(size, oracle) -> None:
    assert cost_of(lambda: make_baseline(size), 224) == cost_of(oracle, 224)


def test_a_narrow_resnet_is_trained_on_large_images_in_channels_last() -> None:
    network = make_baseline(BaselineSize("resnet", 5, 1)).to(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 96, 96).contiguous(memory_format=torch.channels_last)
    for _ in range(3):
        network(images).sum().backward()
    assert all(weights.grad.isfinite().all() for weights in network.parameters())


def test_resnet_20_has_its_published_weights() -> None:
    """He et al. (2016), table 6: 0.27 M."""
    cost = cost_of(lambda: make_baseline(BaselineSize("resnet", 16, 3)), 32)
    assert cost.num_params == pytest.approx(0.27e6, rel=0.02)


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        (BaselineSize("resnet", 4.5, 1), [32, 16, 8]),
        (BaselineSize("resnet", 4, 1, stem="imagenet"), [8, 4, 2, 1]),
        (BaselineSize("mobilenet_v2", 0.1), [32, 16, 8, 4]),
        (BaselineSize("mobilenet_v2", 0.1, stem="imagenet"), [16, 8, 4, 2, 1]),
    ],
)
def test_stages_are_maps_of_the_channels_they_say(size, sides) -> None:
    network = make_baseline(size)
    images = torch.rand(2, 3, 32, 32)
    maps = network.stages(images)
    assert [each.shape[-1] for each in maps] == sides
    assert tuple(each.shape[1] for each in maps) == network.stage_channels
    logits = network(images)
    assert logits.shape == (2, 10)
    logits.sum().backward()
    assert all(weights.grad is not None for weights in network.parameters())


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (BaselineSize("vgg", 1), "'vgg' .* expected one of resnet, mobilenet_v2"),
        (BaselineSize("resnet", 1, stem="mnist"), "stem 'mnist'"),
        (BaselineSize("resnet", 0), "positive width"),
        (BaselineSize("resnet", 4, 0), "at least one block"),
    ],
)
def test_a_wrong_spec_is_refused(size, message) -> None:
    with pytest.raises(ConfigError, match=message):
        make_baseline(size)
