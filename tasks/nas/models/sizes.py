"""Sizes of networks: what turns a genotype, or a hand-made design, into one network."""

from __future__ import annotations

from dataclasses import dataclass

# Cells of fewer filters, or with a greater share of their multiply-adds in depthwise convolutions,
# say little of published ones, which have 32 filters or more and 3 to 12 % there.
LEAST_FILTERS = 16
MOST_DEPTHWISE = 0.3


@dataclass(frozen=True)
class NetworkSize:
    """Size and surroundings of a network of cells; together with a genotype it is the network.

    Three stages of N normal cells; a reduction cell between two stages doubles the filters.

    Attributes:
        num_cells: N, normal cells per stage.
        num_filters: F, filters of each operation in the first stage. May be a fraction, so that
            costs can be met closely: stage k has F 2^k, rounded half up.
        num_classes: Classes of the classifier.
        stem: ``cifar`` (one convolution) or ``imagenet`` (a strided convolution and two
            reduction cells with a quarter and half of the filters).
        image_px: Side of the images; only the auxiliary head is built for one size.
        stem_filters: Filters of the stem's convolution; None: 3 F, or 32 in front of cells.
        has_auxiliary: Whether a second classifier stands at the end of the second stage.
        skip_reduction_input: Whether the cell behind a reduction cell reads, as h_{i-1}, what the
            reduction cell read as h_{i-1}, in place of what it read as h_i.
        drop_path_rate: Probability of `DropPath` in the deepest cell at the end of training.
        dropout_rate: Dropout in front of the classifier.
    """

    num_cells: int
    num_filters: float
    num_classes: int = 10
    stem: str = "cifar"
    image_px: int = 32
    stem_filters: int | None = None
    has_auxiliary: bool = False
    skip_reduction_input: bool = False
    drop_path_rate: float = 0.0
    dropout_rate: float = 0.0


# NASNet-A (6 @ 4032) with its surroundings, as released: 4032 = 4 F times 6 concatenated states.
NASNET_LARGE = NetworkSize(
    num_cells=6,
    num_filters=168,
    num_classes=1000,
    stem="imagenet",
    image_px=331,
    stem_filters=96,
    skip_reduction_input=True,
    drop_path_rate=0.3,
    dropout_rate=0.5,
)


@dataclass(frozen=True)
class BaselineSize:
    """Size and surroundings of a hand-made network, for comparison.

    Attributes:
        kind: ``resnet`` (basic blocks), ``mobilenet_v2``, or a published one whose width is fixed
            (`tasks.nas.models.baselines.RESNET_LAYERS`).
        width: Channels of the first stage of a ResNet; the multiplier of all channels of a
            MobileNetV2. A fraction is rounded where channels are made.
        num_blocks: Residual blocks per stage of a ResNet; a MobileNetV2 has its own numbers.
        num_classes: Classes of the classifier.
        stem: ``cifar`` keeps the resolution at the head; ``imagenet`` is the published network.
        image_px: Side of the images.
        dropout_rate: Dropout in front of the classifier.
    """

    kind: str
    width: float
    num_blocks: int = 3
    num_classes: int = 10
    stem: str = "cifar"
    image_px: int = 32
    dropout_rate: float = 0.0
