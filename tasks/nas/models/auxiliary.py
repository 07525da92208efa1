"""The auxiliary head: a second classifier in mid-network that helps training.

Zoph et al. (2018), appendix A.7, after Szegedy et al., "Rethinking the Inception Architecture"
(2016); layers and sizes as in the authors' code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from tasks.core.errors import ConfigError
from tasks.nas.models.operations import BatchNorm

if TYPE_CHECKING:
    from tasks.nas.models.cell import State
    from tasks.nas.models.sizes import NetworkSize

_POOL, _POOL_STRIDE = 5, 3
_NUM_POOLED, _NUM_HIDDEN = 128, 768  # channels


class AuxiliaryHead(nn.Module):
    """Pools a map, squeezes it, takes it whole in one convolution, and classifies."""

    def __init__(self, place: State, size: NetworkSize) -> None:
        """Build the head for the map that the second stage of a network of this size makes."""
        super().__init__()
        side = map_px(size, place.num_halvings)
        if side < 1:
            raise ConfigError(f"images of {size.image_px} px leave no map for the auxiliary head")
        kernel = min(_POOL, side)
        left = (side - kernel) // _POOL_STRIDE + 1
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(kernel, _POOL_STRIDE),
            nn.Conv2d(place.num_channels, _NUM_POOLED, 1, bias=False),
            BatchNorm(_NUM_POOLED),
            nn.ReLU(inplace=True),
            nn.Conv2d(_NUM_POOLED, _NUM_HIDDEN, left, bias=False),
            BatchNorm(_NUM_HIDDEN),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(_NUM_HIDDEN, size.num_classes),
        )

    def forward(self, state: Tensor) -> Tensor:
        """Classify by the map of the second stage, (n, c, side, side); logits (n, classes)."""
        logits: Tensor = self.layers(state)
        return logits


def map_px(size: NetworkSize, num_halvings: int) -> int:
    """Side of a map; the ImageNet stem's first convolution doesn't pad, the rest rounds up."""
    side = size.image_px
    if size.stem == "imagenet":
        side, num_halvings = (side - 1) // 2, num_halvings - 1
    return -(-side >> num_halvings)
