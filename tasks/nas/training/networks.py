"""Networks ready for training: built, begun from a seed or from weights, laid out for a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import nn

from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef
from tasks.core.seeds import digest64
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.layout.channel_major import to_channel_major
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.types import Genotype

_CLASSIFIERS = ("classifier.", "auxiliary.")


class NetworkItem(Protocol):
    """What an item says of the network that it trains.

    Attributes:
        item_id: Unique within its stage.
        genotype: Cells; None for a baseline.
        spec: `tasks.nas.models.sizes.NetworkSize` or `BaselineSize`, as JSON values.
        seed: Decides initial weights and the order of images, with the id.
        initial: Weights to begin with (a state dict); None: drawn.
    """

    @property
    def item_id(self) -> str: ...  # noqa: D102
    @property
    def genotype(self) -> GenotypeRecord | None: ...  # noqa: D102
    @property
    def spec(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def initial(self) -> FileRef | None: ...  # noqa: D102


def design_of(item: NetworkItem) -> tuple[Genotype | None, NetworkSize | BaselineSize]:
    """Cells and size of the network that an item trains."""
    if item.genotype is None:
        return None, BaselineSize(**item.spec)
    return item.genotype.genotype(item.item_id), NetworkSize(**item.spec)


def seed_of(item: NetworkItem) -> int:
    """What an item's training draws from."""
    return digest64(f"{item.item_id}/{item.seed}") >> 1


def begin(item: NetworkItem, folder: ItemFolder) -> nn.Module:
    """The network of an item with its initial weights; what is drawn, by torch's generator.

    Weights that it begins with are taken over by name, those of classifiers apart.
    """
    network = build(*design_of(item))
    if item.initial is not None:
        state = torch.load(folder.fetch(item.initial), weights_only=True)
        kept = {name: v for name, v in state.items() if not name.startswith(_CLASSIFIERS)}
        network.load_state_dict(kept, strict=False)
    return network


def build(genotype: Genotype | None, size: NetworkSize | BaselineSize) -> nn.Module:
    """Build a network of cells, or a baseline, with weights from torch's global generator.

    Raises:
        ConfigError: The size is wrong.
    """
    if isinstance(size, BaselineSize):
        return make_baseline(size)
    if genotype is None:
        raise TypeError("a network of cells needs a genotype")
    return CellNetwork(genotype, size)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose initial weights a seed decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def torch_device(device: str) -> str:
    """What torch calls a device, ``cpu`` or ``gpu``."""
    return "cuda" if device == "gpu" else "cpu"


def lay_out(network: nn.Module, device: str) -> nn.Module:
    """Bring a network to a device and to the memory layout that is fastest there.

    Args:
        network: As it was built.
        device: ``cpu`` or ``cuda``.
    """
    if device == "cpu" and isinstance(network, CellNetwork):
        to_channel_major(network)
        return network
    # channels_last: depthwise convolutions cost a half to a quarter of what they do in NCHW.
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def plain_state(network: nn.Module) -> dict[str, Any]:
    """State dict on the CPU, in plain layout."""
    return {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
