"""Backbones: which maps are used, their shapes, and that all networks fit."""

from __future__ import annotations

import pytest
import torch

from tasks.nas.detection.backbone import DetectorBackbone, make_detector
from tasks.nas.detection.config import DetectorConfig
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.networks import lay_out

SIDE_PX = 64


def network(kind: str, stem: str) -> torch.nn.Module:
    if kind == "nasnet_a":
        size = NetworkSize(1, 4, stem=stem, image_px=SIDE_PX, stem_filters=8)
        return CellNetwork(published(kind), size)
    width = 4.0 if kind == "resnet" else 0.2
    return make_baseline(BaselineSize(kind, width, 1, stem=stem, image_px=SIDE_PX))


@pytest.mark.parametrize("kind", ["nasnet_a", "resnet", "mobilenet_v2"])
def test_every_backbone_gives_maps_of_the_same_shapes(kind: str) -> None:
    backbone = DetectorBackbone(network(kind, "imagenet"), DetectorConfig(neck_channels=12))
    assert backbone.strides == (8, 16, 32)
    maps = backbone(torch.rand(2, 3, SIDE_PX, SIDE_PX))
    assert [tuple(each.shape) for each in maps.values()] == [
        (2, 12, SIDE_PX // stride, SIDE_PX // stride) for stride in (8, 16, 32)
    ]


def test_anchors_hang_on_the_strides() -> None:
    config = DetectorConfig(finest_stride=2, num_levels=2, num_scales=2, anchor_px=8)
    detector = make_detector(
        network("nasnet_a", "cifar"), config, 3, SIDE_PX, (0.5,) * 3, (0.2,) * 3
    )
    assert detector.backbone.strides == (2, 4)
    assert detector.rpn.anchor_generator.sizes == ((8.0, 16.0), (16.0, 32.0))
    assert detector.rpn.anchor_generator.num_anchors_per_location() == [6, 6]


@pytest.mark.parametrize("kind", ["nasnet_a", "resnet"])
def test_statistics_that_were_learnt_are_kept(kind: str) -> None:
    torch.manual_seed(0)
    begun = lay_out(network(kind, "imagenet"), "cpu")
    config = DetectorConfig(neck_channels=8)
    backbone = DetectorBackbone(begun, config, keeps_statistics=True).train()
    norms = [each for each in backbone.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    before = [each.running_mean.clone() for each in norms]
    maps = backbone(torch.rand(2, 3, SIDE_PX, SIDE_PX))
    torch.stack([each.mean() for each in maps.values()]).sum().backward()
    for norm, mean in zip(norms, before, strict=True):
        torch.testing.assert_close(norm.running_mean, mean, rtol=0, atol=0)
    assert all(each.weight.grad is not None for each in norms)
    backbone.eval()
    with torch.no_grad():
        again = backbone(torch.rand(2, 3, SIDE_PX, SIDE_PX))
    assert backbone.network.training is False
    assert all(each.isfinite().all() for each in again.values())


def test_classifiers_are_dropped_and_every_weight_is_trained() -> None:
    torch.manual_seed(0)
    size = NetworkSize(1, 4, image_px=SIDE_PX, has_auxiliary=True)
    detector = make_detector(
        CellNetwork(published("nasnet_a"), size),
        DetectorConfig(finest_stride=2, num_levels=2, neck_channels=8, head_units=8),
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
