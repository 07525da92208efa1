"""What a network costs: weights, and multiply-adds of one image.

Multiply-adds are those of convolutions and matrix products, as the literature counts them: half of
what torch's own counter gives, which counts a multiplication and an addition as two and takes ten
times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_SHAPE_KEEPING = (nn.BatchNorm2d, nn.ReLU, nn.ReLU6)


@dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        num_params: Trained weights.
        mult_adds: Multiply-adds of a forward pass over one image.
        depthwise: Those of them that are depthwise convolutions' and so mix no channels.
    """

    num_params: int
    mult_adds: int
    depthwise: int

    @property
    def depthwise_share(self) -> float:
        """Share of the multiply-adds that mixes no channels: great in networks too narrow."""
        return self.depthwise / max(1, self.mult_adds)


def cost_of(build: Callable[[], nn.Module], image_px: int) -> Cost:
    """Measure a network without memory or arithmetic, on torch's meta device.

    Args:
        build: Makes the network.
        image_px: Side of the image.
    """
    with torch.device("meta"):
        network = build()
    return cost(network, image_px)


def cost(network: nn.Module, image_px: int) -> Cost:
    """Measure a classifier of (n, 3, image_px, image_px), on any device; meta is free."""
    counted = _counted(network, image_px)
    return Cost(num_params(network), *map(sum, zip(*counted, strict=True)))


def num_params(network: nn.Module) -> int:
    """Number of trained weights."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def mult_adds(network: nn.Module, image_px: int) -> int:
    """Multiply-adds of a forward pass over one image, in evaluation mode.

    Args:
        network: Classifier of (n, 3, image_px, image_px), on any device; meta is free.
        image_px: Side of the image.
    """
    return sum(each for each, _ in _counted(network, image_px))


def _counted(network: nn.Module, image_px: int) -> list[tuple[int, int]]:
    """Multiply-adds of each layer, of one image, and those of them that mix no channels."""
    image = torch.empty(1, 3, image_px, image_px, device=next(network.parameters()).device)
    counted: list[tuple[int, int]] = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        found = output.numel() * _per_output(module)
        counted.append((found, found if _is_depthwise(module) else 0))

    kinds = (nn.Conv2d, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    # These keep a map's shape, and on the meta device take most of the time.
    keeping = [each for each in network.modules() if isinstance(each, _SHAPE_KEEPING)]
    for each in keeping:
        vars(each)["forward"] = _same
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(image)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
        for each in keeping:
            del vars(each)["forward"]
    return counted


def _same(maps: Tensor) -> Tensor:
    return maps


def _per_output(module: nn.Module) -> int:
    """Multiply-adds of one number of a layer's output: the weights that it depends on."""
    weight = module.get_parameter("weight")
    return weight.numel() // len(weight)


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
