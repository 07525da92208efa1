"""The auxiliary head has the published layers and fits maps of any size."""

from __future__ import annotations

import pytest
import torch

from tasks.core.errors import ConfigError
from tasks.nas.models.auxiliary import AuxiliaryHead, map_px
from tasks.nas.models.cell import State
from tasks.nas.models.sizes import NASNET_LARGE, NetworkSize


def test_sides_are_those_of_the_large_network() -> None:
    assert [map_px(NASNET_LARGE, halvings) for halvings in (1, 2, 3, 4, 5)] == [165, 83, 42, 21, 11]
    assert [map_px(NetworkSize(1, 4), halvings) for halvings in (0, 1, 2)] == [32, 16, 8]


@pytest.mark.parametrize(("image_px", "side"), [(32, 16), (16, 8), (8, 4), (9, 5)])
def test_the_head_takes_the_map_of_its_images(image_px, side) -> None:
    head = AuxiliaryHead(State(12, 1), NetworkSize(1, 4, num_classes=7, image_px=image_px))
    assert head(torch.rand(2, 12, side, side)).shape == (2, 7)


def test_the_head_of_cifar_has_the_published_layers() -> None:
    """A 16 px map is pooled to 4 px, then 128 channels, then 768 by one 4x4 convolution."""
    head = AuxiliaryHead(State(12, 1), NetworkSize(1, 4))
    shapes = [tuple(weights.shape) for weights in head.parameters() if weights.ndim > 1]
    assert shapes == [(128, 12, 1, 1), (768, 128, 4, 4), (10, 768)]


def test_no_map_is_no_head() -> None:
    with pytest.raises(ConfigError, match="leave no map"):
        AuxiliaryHead(State(12, 3), NetworkSize(1, 4, stem="imagenet", image_px=2))
