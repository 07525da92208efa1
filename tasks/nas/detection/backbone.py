"""Networks as backbones of Faster R-CNN.

S. Ren, K. He, R. Girshick, J. Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region
Proposal Networks" (2015), as torchvision has it; T.-Y. Lin et al., "Feature Pyramid Networks for
Object Detection" (2017). Zoph et al. (2018), section 4.3, put NASNet-A in the place of its
backbone.

Anything serves whose ``stages`` returns maps and whose ``stage_channels`` says how many channels
they have: networks of cells and the baselines alike. Which maps are used, and the anchors on them,
hang on their strides alone (`tasks.nas.detection.levels`). Classifiers are dropped.

A step sees a few pictures, whose coarse maps hold some dozen numbers a channel: too few for the
statistics of batch norm. Those of a backbone that begins with weights are kept as they were
learnt, as torchvision's detectors do; scale and offset are trained along. A backbone whose weights
are drawn has no statistics to keep, and trains them.

Deviation: pictures here are small, so there are fewer proposals and smaller heads than in
torchvision's defaults.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from typing_extensions import override

from tasks.nas.detection.config import DetectorConfig
from tasks.nas.detection.levels import anchor_sizes_px, level_maps, level_strides
from tasks.nas.models.layout.channel_major import to_plain
from tasks.nas.models.network import CellNetwork

_RATIOS = (0.5, 1.0, 2.0)  # height over width of anchors
_POOLED = 5  # side of what the head reads of a proposal
_PROPOSALS_BEFORE_NMS = 2  # over those that are kept, per level
_MAX_DETECTIONS = 100
_MIN_SCORE = 0.05


class DetectorBackbone(nn.Module):
    """The maps of a network, brought to one number of channels.

    Attributes:
        out_channels: Channels of each map.
        strides: Pixels of the image per pixel of each map that is returned.
        keeps_statistics: Whether the network's batch norms keep the statistics they came with.
    """

    def __init__(
        self, network: nn.Module, config: DetectorConfig, *, keeps_statistics: bool = False
    ) -> None:
        """Build the backbone.

        Args:
            network: See `tasks.nas.detection.levels.Staged`; its classifiers are dropped.
            config: Which maps, and how many channels.
            keeps_statistics: Whether its batch norms keep their statistics in training.

        Raises:
            ConfigError: It has no map of a stride that is asked for.
        """
        super().__init__()
        network.classifier = nn.Identity()
        if getattr(network, "auxiliary", None) is not None:
            network.auxiliary = None  # type: ignore[assignment]
        if keeps_statistics and isinstance(network, CellNetwork):
            to_plain(network)  # programs train statistics
            network.to(memory_format=torch.channels_last)
        self.network = network
        self.keeps_statistics = keeps_statistics
        channels = network.stage_channels
        self._used = level_maps(network, config)
        self.strides = level_strides(config)
        self.out_channels = config.neck_channels
        used_channels = [channels[index] for index in self._used]  # type: ignore[index]
        self.neck = FeaturePyramidNetwork(used_channels, config.neck_channels)

    @override
    def train(self, mode: bool = True) -> Self:
        """Set the mode, but for batch norms whose statistics are kept."""
        super().train(mode)
        if self.keeps_statistics:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

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
    *,
    keeps_statistics: bool = False,
) -> FasterRCNN:
    """Put Faster R-CNN on a network.

    Args:
        network: See `DetectorBackbone`.
        config: What stands on it.
        num_classes: Classes, the background apart.
        side_px: Side of the images; they are not resized.
        mean: Mean of each channel, of 1.
        std: Standard deviation of the same.
        keeps_statistics: See `DetectorBackbone`.

    Returns:
        In training it maps images (3, side, side) in [0, 1] and targets to losses, else to boxes,
        labels (from 1) and scores.
    """
    backbone = DetectorBackbone(network, config, keeps_statistics=keeps_statistics)
    sizes_px = anchor_sizes_px(config)
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
        rpn_anchor_generator=AnchorGenerator(sizes_px, (_RATIOS,) * len(sizes_px)),
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
