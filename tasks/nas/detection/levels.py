"""Levels of a detector: maps of the same strides for every backbone, anchors by the stride.

Backbones end their stages at different strides and differ in how many they have. Were levels
counted, and anchors sized by that count, two backbones would be asked to find different objects,
and a comparison of them would say nothing.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol

from tasks.core.errors import ConfigError
from tasks.nas.detection.config import DetectorConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

_PROBED_PX = 256  # side of an image whose maps tell strides exactly


class Staged(Protocol):
    """A network that a detector can stand on."""

    stage_channels: tuple[int, ...]

    def stages(self, images: Tensor) -> list[Tensor]:
        """Maps, finest first."""


def level_strides(config: DetectorConfig) -> tuple[int, ...]:
    """Pixels of the image per pixel of each level, finest first."""
    return tuple(config.finest_stride * 2**level for level in range(config.num_levels))


def anchor_sizes_px(config: DetectorConfig) -> tuple[tuple[float, ...], ...]:
    """Sides of the anchors of each level: in proportion to its stride, then doubled."""
    smallest = config.anchor_px / config.finest_stride  # of the anchors, per pixel of stride
    return tuple(
        tuple(smallest * stride * 2**k for k in range(config.num_scales))
        for stride in level_strides(config)
    )


def level_maps(network: nn.Module, config: DetectorConfig) -> tuple[int, ...]:
    """Which maps of a network are the levels, by their position among its stages.

    Args:
        network: See `Staged`; on any device, it is not run.
        config: Which strides.

    Raises:
        ConfigError: It has no map of a stride that is asked for.
    """
    # The last of several maps of one stride is the deepest.
    found = {stride: index for index, stride in enumerate(_strides(network))}
    wanted = level_strides(config)
    missing = [stride for stride in wanted if stride not in found]
    if missing:
        raise ConfigError(
            f"no map has a stride of {missing[0]} px; the backbone's are "
            f"{', '.join(map(str, found))} px: set finest_stride and num_levels to strides that "
            "all backbones have (with an imagenet stem 8, 16 and 32; with a cifar stem 1, 2, 4)"
        )
    return tuple(found[stride] for stride in wanted)


def _strides(network: nn.Module) -> list[int]:
    """Pixels of the image per pixel of each map, by a copy without memory."""
    import torch

    probe = copy.deepcopy(network).to("meta").eval()
    with torch.no_grad():
        maps = probe.stages(  # type: ignore[operator]
            torch.empty(1, 3, _PROBED_PX, _PROBED_PX, device="meta")
        )
    return [round(_PROBED_PX / each.shape[-1]) for each in maps]
