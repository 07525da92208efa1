"""Networks as backbones of Faster R-CNN.

S. Ren, K. He, R. Girshick, J. Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region
Proposal Networks" (2015), as torchvision has it; T.-Y. Lin et al., "Feature Pyramid Networks for
Object Detection" (2017). Zoph et al. (2018), section 4.3, put NASNet-A in the place of its
backbone.

Anything serves whose ``stages`` returns maps, finest first, and whose ``stage_channels`` says how
many channels they have: networks of cells and the baselines alike. Classifiers are dropped.

Deviation: pictures here are small, so there are fewer proposals and smaller heads than in
torchvision's defaults, and batch norm is trained along.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from tasks.core.errors import ConfigError
from tasks.nas.detection.config import DetectorConfig

_RATIOS = (0.5, 1.0, 2.0)  # height over width of anchors
_POOLED = 5  # side of what the head reads of a proposal
_PROPOSALS_BEFORE_NMS = 2  # over those that are kept, per level
_MAX_DETECTIONS = 100
_MIN_SCORE = 0.05


class _Staged(Protocol):
    """A network that a detector can stand on."""

    stage_channels: tuple[int, ...]

    def stages(self, images: Tensor) -> list[Tensor]:
        """Maps, finest first."""


class DetectorBackbone(nn.Module):
    """The maps of a network, brought to one number of channels.

    Attributes:
        out_channels: Channels of each map.
        strides: Pixels of the image per pixel of each map that is returned.
    """

    def __init__(self, network: nn.Module, config: DetectorConfig, side_px: int) -> None:
        """Build the backbone.

        Args:
            network: Has ``stages`` and ``stage_channels``; its classifiers are dropped.
            config: Which maps, and how many channels.
            side_px: Side of the images.

        Raises:
            ConfigError: No map is as coarse as the finest that is asked for.
        """
        super().__init__()
        network.classifier = nn.Identity()
        if getattr(network, "auxiliary", None) is not None:
            network.auxiliary = None  # type: ignore[assignment]
        self.network = network
        channels = network.stage_channels
        strides = _strides(network, side_px)
        self._used = _used(strides, config)
        self.strides = tuple(strides[index] for index in self._used)
        self.out_channels = config.neck_channels
        used_channels = [channels[index] for index in self._used]  # type: ignore[index]
        self.neck = FeaturePyramidNetwork(used_channels, config.neck_channels)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Map (n, 3, h, w) to named maps, (n, out_channels, h_k, w_k), finest first."""
        images = images.contiguous(memory_format=torch.channels_last)
        maps = self.network.stages(images)  # type: ignore[operator]
        chosen = OrderedDict(
            (str(name), torch.relu(maps[index])) for name, index in enumerate(self._used)
        )
        found: OrderedDict[str, Tensor] = self.neck(chosen)
        return found


def make_detector(
    network: nn.Module,
    config: DetectorConfig,
    num_classes: int,
    side_px: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> FasterRCNN:
    """Put Faster R-CNN on a network.

    Args:
        network: See `DetectorBackbone`.
        config: What stands on it.
        num_classes: Classes, the background apart.
        side_px: Side of the images; they are not resized.
        mean: Mean of each channel, of 1.
        std: Standard deviation of the same.

    Returns:
        In training it maps images (3, side, side) in [0, 1] and targets to losses, else to boxes,
        labels (from 1) and scores.
    """
    backbone = DetectorBackbone(network, config, side_px)
    names = [str(index) for index in range(len(backbone.strides))]
    head_inputs = backbone.out_channels * _POOLED**2
    proposals, kept = _PROPOSALS_BEFORE_NMS * config.num_proposals, config.num_proposals
    return FasterRCNN(
        backbone,
        min_size=side_px,
        max_size=side_px,
        image_mean=list(mean),
        image_std=list(std),
        size_divisible=1,
        rpn_anchor_generator=_anchors(backbone, config),
        rpn_pre_nms_top_n_train=proposals,
        rpn_pre_nms_top_n_test=proposals,
        rpn_post_nms_top_n_train=kept,
        rpn_post_nms_top_n_test=kept,
        box_roi_pool=MultiScaleRoIAlign(names, output_size=_POOLED, sampling_ratio=2),
        box_head=TwoMLPHead(head_inputs, config.head_units),
        box_predictor=FastRCNNPredictor(config.head_units, num_classes + 1),
        box_score_thresh=_MIN_SCORE,
        box_detections_per_img=_MAX_DETECTIONS,
        box_batch_size_per_image=config.num_sampled,
    )


def _strides(network: nn.Module, side_px: int) -> list[int]:
    """Pixels of the image per pixel of each map."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        weights = next(network.parameters())
        maps = network.stages(  # type: ignore[operator]
            torch.zeros(1, 3, side_px, side_px, device=weights.device)
        )
    network.train(was_training)
    return [round(side_px / each.shape[-1]) for each in maps]


def _used(strides: Sequence[int], config: DetectorConfig) -> list[int]:
    """Positions of the maps that are used."""
    if config.neck == "last":
        return [len(strides) - 1]
    used = [index for index, stride in enumerate(strides) if stride >= config.finest_stride]
    if not used:
        raise ConfigError(
            f"no map has a stride of {config.finest_stride} px or more; the backbone's are "
            f"{', '.join(map(str, strides))} px: lower finest_stride or use an imagenet stem"
        )
    return used


def _anchors(backbone: DetectorBackbone, config: DetectorConfig) -> AnchorGenerator:
    """One size a level in a pyramid, all sizes on a single map."""
    num_levels = len(backbone.strides)
    if num_levels == 1:
        sizes: list[tuple[float, ...]] = [
            tuple(config.anchor_px * 2**k for k in range(config.num_scales))
        ]
    else:
        sizes = [(config.anchor_px * 2**level,) for level in range(num_levels)]
    return AnchorGenerator(tuple(sizes), (_RATIOS,) * num_levels)
