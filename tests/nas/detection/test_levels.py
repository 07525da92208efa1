"""Levels: the same strides and anchors for every backbone, by the stride and not by the order."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.detection.config import DetectorConfig
from tasks.nas.detection.levels import anchor_sizes_px, level_maps, level_strides
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published

KINDS = ("nasnet_a", "resnet", "mobilenet_v2")


def network(kind: str, stem: str) -> nn.Module:
    with torch.device("meta"):
        if kind == "nasnet_a":
            return CellNetwork(published(kind), NetworkSize(1, 4, stem=stem))
        return make_baseline(BaselineSize(kind, 4.0 if kind == "resnet" else 0.2, 1, stem=stem))


@pytest.mark.parametrize(
    ("stem", "finest", "num_levels", "positions"),
    [
        # NASNet-A ends its stages at 8, 16, 32; ResNet at 4 to 32; MobileNetV2 at 2 to 32.
        ("imagenet", 8, 3, ((0, 1, 2), (1, 2, 3), (2, 3, 4))),
        ("imagenet", 16, 2, ((1, 2), (2, 3), (3, 4))),
        # At 1, 2, 4; MobileNetV2 at 1 to 8.
        ("cifar", 4, 1, ((2,), (2,), (2,))),
        ("cifar", 1, 3, ((0, 1, 2), (0, 1, 2), (0, 1, 2))),
    ],
)
def test_every_backbone_gives_the_same_strides(
    stem: str, finest: int, num_levels: int, positions: tuple[tuple[int, ...], ...]
) -> None:
    config = DetectorConfig(finest_stride=finest, num_levels=num_levels)
    assert tuple(level_maps(network(kind, stem), config) for kind in KINDS) == positions
    assert level_strides(config) == tuple(finest * 2**k for k in range(num_levels))


def test_anchors_grow_with_the_stride() -> None:
    assert anchor_sizes_px(DetectorConfig()) == ((16.0,), (32.0,), (64.0,))
    one = DetectorConfig(finest_stride=4, num_levels=1, num_scales=3, anchor_px=12)
    assert anchor_sizes_px(one) == ((12.0, 24.0, 48.0),)
    two = DetectorConfig(finest_stride=2, num_levels=2, num_scales=2, anchor_px=6)
    assert anchor_sizes_px(two) == ((6.0, 12.0), (12.0, 24.0))


@pytest.mark.parametrize(("finest", "num_levels", "missing"), [(4, 3, 4), (16, 3, 64)])
def test_a_stride_that_a_backbone_has_not_is_refused(
    finest: int, num_levels: int, missing: int
) -> None:
    config = DetectorConfig(finest_stride=finest, num_levels=num_levels)
    with pytest.raises(ConfigError, match=rf"stride of {missing} px; the backbone's are 8, 16, 32"):
        level_maps(network("nasnet_a", "imagenet"), config)
