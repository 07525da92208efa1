"""Backbones: which maps are used, their shapes, and that all networks fit."""

from __future__ import annotations

import pytest
import torch

from tasks.core.errors import ConfigError
from tasks.nas.detection.backbone import DetectorBackbone, make_detector
from tasks.nas.detection.config import DetectorConfig
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published

SIDE_PX = 64


def network(kind: str, stem: str) -> torch.nn.Module:
    if kind == "nasnet_a":
        size = NetworkSize(1, 4, stem=stem, image_px=SIDE_PX, stem_filters=8)
        return CellNetwork(published(kind), size)
    width = 4.0 if kind == "resnet" else 0.2
    return make_baseline(BaselineSize(kind, width, 1, stem=stem, image_px=SIDE_PX))


@pytest.mark.parametrize(
    ("kind", "stem", "finest", "strides"),
    [
        ("nasnet_a", "cifar", 2, (2, 4)),
        ("nasnet_a", "imagenet", 8, (8, 16, 32)),
        ("resnet", "cifar", 1, (1, 2, 4)),
        ("resnet", "imagenet", 8, (8, 16, 32)),
        ("mobilenet_v2", "cifar", 2, (2, 4, 8)),
        ("mobilenet_v2", "imagenet", 4, (4, 8, 16, 32)),
    ],
)
def test_a_pyramid_has_the_maps_from_the_finest_on(
    kind: str, stem: str, finest: int, strides: tuple[int, ...]
) -> None:
    config = DetectorConfig(finest_stride=finest, neck_channels=12)
    backbone = DetectorBackbone(network(kind, stem), config, SIDE_PX)
    assert backbone.strides == strides
    maps = backbone(torch.rand(2, 3, SIDE_PX, SIDE_PX))
    assert [tuple(each.shape) for each in maps.values()] == [
        (2, 12, SIDE_PX // stride, SIDE_PX // stride) for stride in strides
    ]


def test_the_last_map_alone_has_all_scales_of_anchors() -> None:
    config = DetectorConfig(neck="last", num_scales=2, anchor_px=8)
    detector = make_detector(
        network("nasnet_a", "cifar"), config, 3, SIDE_PX, (0.5,) * 3, (0.2,) * 3
    )
    assert detector.backbone.strides == (4,)
    assert detector.rpn.anchor_generator.sizes == ((8.0, 16.0),)
    assert detector.rpn.anchor_generator.num_anchors_per_location() == [6]


def test_classifiers_are_dropped_and_every_weight_is_trained() -> None:
    torch.manual_seed(0)
    size = NetworkSize(1, 4, image_px=SIDE_PX, has_auxiliary=True)
    detector = make_detector(
        CellNetwork(published("nasnet_a"), size),
        DetectorConfig(finest_stride=2, neck_channels=8, head_units=8),
        3,
        SIDE_PX,
        (0.5,) * 3,
        (0.2,) * 3,
    )
    assert not [n for n, _ in detector.named_parameters() if "classifier" in n or "auxil" in n]
    images = [torch.rand(3, SIDE_PX, SIDE_PX) for _ in range(2)]
    target = {"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([2])}
    torch.stack(list(detector(images, [target, target]).values())).sum().backward()
    assert [n for n, w in detector.named_parameters() if w.grad is None] == []


def test_a_stride_that_no_map_has_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no map has a stride of 8 px or more; .* 1, 2, 4 px"):
        DetectorBackbone(network("resnet", "cifar"), DetectorConfig(finest_stride=8), SIDE_PX)
