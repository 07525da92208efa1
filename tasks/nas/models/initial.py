"""Initial weights: He et al., "Delving Deep into Rectifiers" (2015), by outgoing connections."""

from __future__ import annotations

import math

from torch import nn

_CLASSIFIER_STD = 0.01


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions and classifiers from torch's global generator.

    A depthwise convolution counts the outgoing connections of one group, unlike
    `torch.nn.init.kaiming_normal_`, which counts those of all groups and makes it too small.
    Weights without memory, on torch's meta device, have no values to draw and are left: drawing
    them would take longer than to build the network.
    """
    for module in network.modules():
        if any(weights.is_meta for weights in module.parameters(recurse=False)):
            continue
        if isinstance(module, nn.Conv2d):
            fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=_CLASSIFIER_STD)
            nn.init.zeros_(module.bias)
