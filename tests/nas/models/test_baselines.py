"""Baselines of published size are the published networks."""

from __future__ import annotations

import pytest
import torch
import torchvision

from tasks.core.errors import ConfigError
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.cost import cost_of
from tasks.nas.specs import BaselineSpec

RESNET_18 = BaselineSpec("resnet", 64, 2, 1000, "imagenet", 224)
MOBILENET_V2 = BaselineSpec("mobilenet_v2", 1, num_classes=1000, stem="imagenet", image_px=224)


@pytest.mark.parametrize(
    ("spec", "oracle"),
    [
        (RESNET_18, torchvision.models.resnet18),
        (MOBILENET_V2, torchvision.models.mobilenet_v2),
    ],
)
def test_the_imagenet_networks_cost_what_torchvisions_cost(spec, oracle) -> None:
    assert cost_of(lambda: make_baseline(spec), 224) == cost_of(oracle, 224)


def test_a_narrow_resnet_is_trained_on_large_images_in_channels_last() -> None:
    network = make_baseline(BaselineSpec("resnet", 5, 1)).to(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 96, 96).contiguous(memory_format=torch.channels_last)
    for _ in range(3):
        network(images).sum().backward()
    assert all(weights.grad.isfinite().all() for weights in network.parameters())


def test_resnet_20_has_its_published_weights() -> None:
    """He et al. (2016), table 6: 0.27 M."""
    cost = cost_of(lambda: make_baseline(BaselineSpec("resnet", 16, 3)), 32)
    assert cost.num_params == pytest.approx(0.27e6, rel=0.02)


@pytest.mark.parametrize(
    ("spec", "sides"),
    [
        (BaselineSpec("resnet", 4.5, 1), [32, 16, 8]),
        (BaselineSpec("resnet", 4, 1, stem="imagenet"), [8, 4, 2, 1]),
        (BaselineSpec("mobilenet_v2", 0.1), [32, 16, 8, 4]),
        (BaselineSpec("mobilenet_v2", 0.1, stem="imagenet"), [16, 8, 4, 2, 1]),
    ],
)
def test_stages_are_maps_of_the_channels_they_say(spec, sides) -> None:
    network = make_baseline(spec)
    images = torch.rand(2, 3, 32, 32)
    maps = network.stages(images)
    assert [each.shape[-1] for each in maps] == sides
    assert tuple(each.shape[1] for each in maps) == network.stage_channels
    logits = network(images)
    assert logits.shape == (2, 10)
    logits.sum().backward()
    assert all(weights.grad is not None for weights in network.parameters())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BaselineSpec("vgg", 1), "'vgg' .* expected one of resnet, mobilenet_v2"),
        (BaselineSpec("resnet", 1, stem="mnist"), "stem 'mnist'"),
        (BaselineSpec("resnet", 0), "positive width"),
        (BaselineSpec("resnet", 4, 0), "at least one block"),
    ],
)
def test_a_wrong_spec_is_refused(spec, message) -> None:
    with pytest.raises(ConfigError, match=message):
        make_baseline(spec)
