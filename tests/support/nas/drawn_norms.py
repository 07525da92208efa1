"""Networks whose batch norms do something, as those of trained networks do."""

from __future__ import annotations

from torch import nn


def draw_norms(network: nn.Module) -> None:
    """Draw the weights and statistics of all batch norms, which are ones and zeros at first."""
    for norm in (each for each in network.modules() if isinstance(each, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
