"""Weights of timm, under the names of the networks here: NASNet-A and the plain ResNets.

R. Wightman, "PyTorch Image Models" (timm), release 1.0: `nasnetalarge` has the weights that the
authors of NASNet-A released; `resnet18` to `resnet152` are torchvision's networks.

Deviation: where a map of even side is halved, timm pads the right more, as TensorFlow does, and
networks here pad both sides alike, so that positions shift by up to a pixel. With images of
32 k + 3 pixels (131, 227, 323) every such map has an odd side, and features are timm's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from tasks.core.errors import DataError
from tasks.nas.models.baselines import RESNET_LAYERS
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published
from tasks.nas.types import Genotype

# What the weights want images to be standardised by, of 1.
_INCEPTION = ((0.5,) * 3, (0.5,) * 3)
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_BRANCH = {
    "separable_1.depthwise_conv2d": "0.0",
    "separable_1.pointwise_conv2d": "0.1",
    "bn_sep_1": "0.2",
    "separable_2.depthwise_conv2d": "2.0",
    "separable_2.pointwise_conv2d": "2.1",
    "bn_sep_2": "2.2",
}
# Of a cell's head: what brings h_i, and in two forms h_{i-1}, to the cell's filters.
_HEAD = {
    "conv_1x1.conv": "inputs.1.1.0",
    "conv_1x1.bn": "inputs.1.1.1",
    "conv_prev_1x1.conv": "inputs.0.1.0",
    "conv_prev_1x1.bn": "inputs.0.1.1",
    "path_1.conv": "inputs.0.1.even",
    "path_2.conv": "inputs.0.1.odd",
    "final_path_bn": "inputs.0.1.norm",
}
_OUTSIDE = {"conv0.conv": "stem.0", "conv0.bn": "stem.1", "last_linear": "classifier"}
_RESNET_OUTSIDE = {"conv1": "stem.0", "bn1": "stem.1", "fc": "classifier"}
_BLOCK = re.compile(r"comb_iter_(\d)_(left|right)\.(.+)")
_LAYER = re.compile(r"layer(\d)\.(\d+\..+)")
_NUM_STAGES = 3

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class TimmNetwork:
    """A network of timm's, as it is built here.

    Attributes:
        name: What timm calls it, or would at its published width.
        genotype: Its cells; None for a ResNet.
        size: Its size.
        state: Its state dict, under the names of the network that is built here.
        mean: Mean that images are standardised by, of 1.
        std: Deviation that they are standardised by.
    """

    name: str
    genotype: Genotype | None
    size: NetworkSize | BaselineSize
    state: dict[str, Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def from_timm(state: State) -> TimmNetwork:
    """Recognise a network by the names and shapes of its weights.

    Args:
        state: State dict of timm's network.

    Raises:
        DataError: It is none of the networks that are known.
    """
    if "cell_stem_0.conv_1x1.conv.weight" in state:
        return _nasnet(state)
    layers = tuple(_count(state, rf"layer{k}\.(\d+)\.") for k in range(1, 5))
    kind = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    known = {found: name for name, found in RESNET_LAYERS.items()}
    if (kind, layers) not in known or "conv1.weight" not in state:
        raise DataError(
            "expected a state dict of timm's nasnetalarge or of "
            f"{', '.join(RESNET_LAYERS)}; its first weights are {', '.join([*state][:3])}"
        )
    size = BaselineSize(
        known[kind, layers], 1.0, num_classes=len(state["fc.bias"]), stem="imagenet"
    )
    made = {_resnet_key(name): value for name, value in state.items()}
    return TimmNetwork(size.kind, None, size, made, *_IMAGENET)


def _nasnet(state: State) -> TimmNetwork:
    num_cells = _count(state, r"cell_(\d+)\.") // _NUM_STAGES
    size = NetworkSize(
        num_cells=num_cells,
        num_filters=len(state["cell_0.conv_1x1.conv.weight"]),
        num_classes=len(state["last_linear.bias"]),
        stem="imagenet",
        stem_filters=len(state["conv0.conv.weight"]),
        skip_reduction_input=True,
    )
    cells = {name: str(number) for number, name in enumerate(_cell_names(num_cells))}

    def key(name: str) -> str:
        cell, _, rest = name.partition(".")
        if cell not in cells:
            return _translated(name, _OUTSIDE)
        block = _BLOCK.fullmatch(rest)
        if block is None:
            return f"cells.{cells[cell]}.{_translated(rest, _HEAD)}"
        operation = 2 * int(block[1]) + (block[2] == "right")
        return f"cells.{cells[cell]}.operations.{operation}.{_translated(block[3], _BRANCH)}"

    made = {key(name): value for name, value in state.items()}
    return TimmNetwork("nasnetalarge", published("nasnet_a"), size, made, *_INCEPTION)


def _cell_names(num_cells: int) -> Iterator[str]:
    """What timm calls the cells, in their order."""
    yield from ("cell_stem_0", "cell_stem_1")
    for stage in range(_NUM_STAGES):
        if stage:
            yield f"reduction_cell_{stage - 1}"
        yield from (f"cell_{num_cells * stage + k}" for k in range(num_cells))


def _resnet_key(name: str) -> str:
    layer = _LAYER.fullmatch(name)
    if layer is None:
        return _translated(name, _RESNET_OUTSIDE)
    return f"blocks.{int(layer[1]) - 1}.{layer[2]}"


def _translated(name: str, known: Mapping[str, str]) -> str:
    """Translate the module of a weight, ``module.weight``."""
    module, _, weight = name.rpartition(".")
    if module not in known:
        raise DataError(f"weights of timm: {name} has no place in a network of this kind")
    return f"{known[module]}.{weight}"


def _count(state: State, pattern: str) -> int:
    """How many different numbers stand in the names of weights."""
    return len({found[1] for found in map(re.compile(pattern).match, state) if found})
