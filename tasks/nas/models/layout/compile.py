"""Programs from modules, each for one size of images."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.cell import NetworkCell
from tasks.nas.models.layout.convolutions import (
    Dense,
    Depthwise,
    First,
    Library,
    Matrices,
    Pointwise,
    PointwisePair,
)
from tasks.nas.models.layout.large_depthwise import LargeDepthwise
from tasks.nas.models.layout.norm import Norm
from tasks.nas.models.layout.pools import (
    AveragePlanes,
    AveragePool,
    PlanesFirst,
    PlanesLast,
    max_pools,
)
from tasks.nas.models.layout.program import Program
from tasks.nas.models.layout.steps import (
    Add,
    Concat,
    Drop,
    EverySecond,
    HeightWidth,
    Relu,
    Step,
)
from tasks.nas.models.layout.toeplitz import Window, is_small, pair
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.operations import FactorizedReduction
from tasks.nas.types import NUM_INPUTS, Combiner, Operation

# Entries of a dense convolution's matrix (i p, o q), beyond which torch's routine is faster.
# Measured forwards and backwards, 128 images, 3 x 3, 8 x 8: 0.17 against 0.54 ms for 2 channels,
# 0.47 against 0.65 for 4, 1.8 against 0.8 for 8; alike for 4 x 4 and for 16 x 16 to 8 x 8.
_MOST_DENSE = 2**16


@dataclass(frozen=True)
class _Map:
    """A map of a program.

    Attributes:
        number: Its number.
        num_channels: Its channels.
        size: Height and width.
    """

    number: int
    num_channels: int
    size: HeightWidth


def stages_program(network: CellNetwork, size: HeightWidth) -> Program:
    """The program of `CellNetwork.stages` for images of a height and width."""
    writer = _Writer()
    stem = list(network.stem.children())
    conv = cast("nn.Conv2d", stem[0])
    made = Window.of(conv).reduced(size)
    first = writer.append(First(conv, size), conv.out_channels, made, _Map(0, 3, size))
    states = [writer.module(stem[1], first)]
    for cell, reads in zip(network.cells, network.reads, strict=True):
        previous, current = (states[read] for read in reads)
        states.append(writer.cell(cast("NetworkCell", cell), previous, current))
    ends = [states[end] for end in network.stage_ends]
    writer.program.results = [end.number for end in ends]
    writer.program.sizes = [end.size for end in ends]
    return writer.program


@dataclass
class _Writer:
    program: Program = field(default_factory=Program)
    _matrices: dict[tuple[Window, HeightWidth], tuple[Matrices, _Map]] = field(default_factory=dict)

    def append(self, step: Step, num_channels: int, size: HeightWidth, *reads: _Map) -> _Map:
        number = self.program.append(step, *[read.number for read in reads])
        return _Map(number, num_channels, size)

    def cell(self, module: NetworkCell, previous: _Map, current: _Map) -> _Map:
        """Append a cell."""
        given = (previous if module.has_previous else current, current)
        states = [
            self.module(each, state) for each, state in zip(module.inputs, given, strict=True)
        ]
        for index, block in enumerate(module.cell.blocks):
            left, right = (
                self._edge(module, NUM_INPUTS * index + side, states[edge.source])
                for side, edge in enumerate(block.edges)
            )
            if block.combiner == Combiner.ADD:
                states.append(self.append(Add(), left.num_channels, left.size, left, right))
            else:
                states.append(self._concat(left, right))
        outputs = zip(module.outputs, module.cell.concat, strict=True)
        kept = [self.module(each, states[state]) for each, state in outputs]
        return self._concat(*kept) if len(kept) > 1 else kept[0]

    def module(self, module: nn.Module, state: _Map) -> _Map:
        """Append a module that reads one map; returns the map that it makes."""
        if isinstance(module, nn.Identity):
            return state
        if isinstance(module, nn.Sequential):
            for each in module:
                state = self.module(each, state)
            return state
        if isinstance(module, FactorizedReduction):
            return self._factorized(module, state)
        if isinstance(module, nn.Conv2d):
            return self._conv(module, state)
        if isinstance(module, nn.AvgPool2d | nn.MaxPool2d):
            return self._pool(module, state)
        return self.append(_step(module), state.num_channels, state.size, state)

    def _edge(self, module: NetworkCell, index: int, state: _Map) -> _Map:
        block, side = divmod(index, NUM_INPUTS)
        operation = module.cell.blocks[block].edges[side].operation
        if module.reads_relu[index]:
            state = self.append(Relu(in_place=False), state.num_channels, state.size, state)
        made = self.module(module.operations[index], state)
        if operation == Operation.IDENTITY:
            return made
        drop = Drop(module.drop_path, made.size)
        return self.append(drop, made.num_channels, made.size, made)

    def _concat(self, *states: _Map) -> _Map:
        num_channels = sum(state.num_channels for state in states)
        return self.append(Concat(), num_channels, states[0].size, *states)

    def _factorized(self, module: FactorizedReduction, state: _Map) -> _Map:
        steps = [EverySecond(first, state.size) for first in (0, 1)]
        halves = [self.append(each, state.num_channels, each.reduced, state) for each in steps]
        pair_step = PointwisePair((module.even, module.odd))
        num_channels = module.even.out_channels + module.odd.out_channels
        made = self.append(pair_step, num_channels, steps[0].reduced, *halves)
        return self.module(module.norm, made)

    def _conv(self, conv: nn.Conv2d, state: _Map) -> _Map:
        window, made = Window.of(conv), conv.out_channels
        if window.num_taps == 1 and window.padding == (0, 0) and conv.groups == 1:
            if window.stride != (1, 1):
                second = EverySecond(0, state.size, window.stride)
                state = self.append(second, state.num_channels, second.reduced, state)
            return self.append(Pointwise(conv), made, state.size, state)
        reduced = window.reduced(state.size)
        if conv.groups == conv.in_channels == made:
            if is_small(window, state.size):
                return self._depthwise(conv, window, state)
            if LargeDepthwise.serves(window, state.size):
                return self.append(LargeDepthwise(conv, state.size), made, reduced, state)
        entries = conv.in_channels * math.prod(state.size) * made * math.prod(reduced)
        if conv.groups == 1 and entries <= _MOST_DENSE:
            return self.append(Dense(conv, state.size), made, reduced, state)
        return self.append(Library(conv, state.size), made, reduced, state)

    def _depthwise(self, conv: nn.Conv2d, window: Window, state: _Map) -> _Map:
        key = window, state.size
        if key not in self._matrices:
            step = Matrices(*key)
            self._matrices[key] = step, self.append(step, 0, state.size)
        matrices, made = self._matrices[key]
        step_of_map = Depthwise(conv, state.size, matrices.append(conv))
        reduced = window.reduced(state.size)
        return self.append(step_of_map, conv.out_channels, reduced, state, made)

    def _pool(self, pool: nn.AvgPool2d | nn.MaxPool2d, state: _Map) -> _Map:
        window = Window(pair(pool.kernel_size), pair(pool.stride), pair(pool.padding))
        num_channels, reduced = state.num_channels, window.reduced(state.size)
        is_average = isinstance(pool, nn.AvgPool2d)
        if is_average and is_small(window, state.size):
            return self.append(AveragePool(window, state.size), num_channels, reduced, state)
        steps: list[Step] = [AveragePlanes(window, state.size)]
        if not is_average:
            steps = [*max_pools(window, state.size)]
        state = self.append(PlanesLast(state.size), num_channels, state.size, state)
        for each in steps:
            state = self.append(each, num_channels, reduced, state)
        return self.append(PlanesFirst(num_channels), num_channels, reduced, state)


def _step(module: nn.Module) -> Step:
    if isinstance(module, nn.ReLU):
        return Relu(in_place=module.inplace)
    if isinstance(module, nn.BatchNorm2d):
        return Norm(module)
    raise ConfigError(f"no step is known for {type(module).__name__}")
