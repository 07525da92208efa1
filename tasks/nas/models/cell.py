"""One cell of a network: blocks between two hidden states and an output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.operations import (
    FactorizedReduction,
    adapt,
    conv_norm,
    make_operation,
    reads_relu,
)
from tasks.nas.types import NUM_INPUTS, Cell, Combiner, Edge, Operation


@dataclass(frozen=True)
class State:
    """What a hidden state is like.

    Attributes:
        num_channels: Channels.
        num_halvings: How often the resolution of the images was halved to get its own.
    """

    num_channels: int
    num_halvings: int


class NetworkCell(nn.Module):
    """A cell with weights.

    Both inputs are brought to the filters of the cell, h_{i-1} to the resolution of h_i too, by
    ReLU and a 1x1 convolution or a factorised reduction. In a reduction cell the operations that
    read inputs have stride 2. A ReLU that several operations need is run once.

    Attributes:
        output: What the cell makes.
        has_previous: Whether it reads h_{i-1}, or h_i in its place.
        reads_relu: Of each edge: whether it reads its state after a ReLU.
    """

    def __init__(
        self,
        cell: Cell,
        previous: State | None,
        current: State,
        num_filters: int,
        stride: int,
        depth: float,
    ) -> None:
        """Build the cell.

        Args:
            cell: The graph.
            previous: What h_{i-1} is; None in the first cell of a network, which reads the
                stem's output in its place, as it is.
            current: What h_i is.
            num_filters: Filters of each operation.
            stride: 1 in a normal cell, 2 in a reduction cell.
            depth: Depth within the network, in (0, 1], for `DropPath`.
        """
        super().__init__()
        self.cell = cell
        self.has_previous = previous is not None
        self.drop_path = DropPath(depth)
        channels = [num_filters if previous else current.num_channels, num_filters]
        self.inputs = nn.ModuleList()
        for state, given in enumerate((previous, current)):
            if given is not None and (state in cell.read_states or state in cell.concat):
                self.inputs.append(_calibrate(given, current.num_halvings, num_filters))
            else:
                self.inputs.append(nn.Identity())
        self.operations = nn.ModuleList()
        self.reads_relu: list[bool] = []
        for block in cell.blocks:
            for edge in block.edges:
                form = channels[edge.source], num_filters, stride if _is_input(edge.source) else 1
                self.operations.append(make_operation(edge.operation, *form))
                self.reads_relu.append(reads_relu(edge.operation, *form))
            channels.append(num_filters * (2 if block.combiner == Combiner.CONCAT else 1))
        self.outputs = nn.ModuleList(
            adapt(channels[state], num_filters, stride) if _is_input(state) else nn.Identity()
            for state in cell.concat
        )
        out_channels = sum(num_filters if _is_input(s) else channels[s] for s in cell.concat)
        self.output = State(out_channels, current.num_halvings + stride - 1)

    def forward(self, previous: Tensor, current: Tensor) -> Tensor:
        """Run the cell.

        Args:
            previous: h_{i-1}, (n, c, h or 2 h, w or 2 w); not read in the first cell.
            current: h_i, (n, c, h, w).

        Returns:
            (n, output.num_channels, h, w), or half of h and w, rounded up, in a reduction cell.
        """
        inputs = (previous if self.has_previous else current, current)
        states = [module(state) for module, state in zip(self.inputs, inputs, strict=True)]
        activated: dict[int, Tensor] = {}
        for index, block in enumerate(self.cell.blocks):
            left, right = (
                self._run(NUM_INPUTS * index + side, edge, states, activated)
                for side, edge in enumerate(block.edges)
            )
            adds = block.combiner == Combiner.ADD
            states.append(left + right if adds else torch.cat([left, right], dim=1))
        kept = [
            module(states[state])
            for module, state in zip(self.outputs, self.cell.concat, strict=True)
        ]
        return torch.cat(kept, dim=1) if len(kept) > 1 else kept[0]

    def _run(
        self, index: int, edge: Edge, states: list[Tensor], activated: dict[int, Tensor]
    ) -> Tensor:
        """Apply the operation of an edge."""
        state = states[edge.source]
        if self.reads_relu[index]:
            if edge.source not in activated:
                activated[edge.source] = torch.relu(state)
            state = activated[edge.source]
        result: Tensor = self.operations[index](state)
        return result if edge.operation == Operation.IDENTITY else self.drop_path(result)


def _is_input(state: int) -> bool:
    return state < NUM_INPUTS


def _calibrate(given: State, num_halvings: int, num_filters: int) -> nn.Module:
    """Bring an input to the cell's filters and resolution."""
    if num_halvings > given.num_halvings:
        return nn.Sequential(nn.ReLU(), FactorizedReduction(given.num_channels, num_filters))
    return nn.Sequential(nn.ReLU(), conv_norm(given.num_channels, num_filters, (1, 1)))
