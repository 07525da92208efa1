"""Programs from modules, each for one size of images."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.cell import NetworkCell
from tasks.nas.models.layout.convolutions import Convolution, Pointwise, Windowed
from tasks.nas.models.layout.norm import Normed
from tasks.nas.models.layout.pools import AveragePool, max_pools
from tasks.nas.models.layout.program import Program
from tasks.nas.models.layout.steps import Add, Concat, Drop, EverySecond, Images, Relu, Step
from tasks.nas.models.layout.windows import HeightWidth, Window, pair
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.operations import FactorizedReduction
from tasks.nas.types import NUM_INPUTS, Combiner, Operation


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
    states = [writer.module(network.stem, writer.begin(size))]
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
    images: Images = field(default_factory=Images)
    _given: _Map | None = None

    def begin(self, size: HeightWidth) -> _Map:
        """Append what brings images of a height and width into the order of maps."""
        self._given = self.append(self.images, 3, size, _Map(0, 3, size))
        return self._given

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
        """Append a module that reads one map; returns the map that it makes.

        Raises:
            ConfigError: It has a part that no step is known for.
        """
        parts = deque(_parts(module))
        while parts:
            part = parts.popleft()
            if isinstance(part, nn.Conv2d | FactorizedReduction):
                state = self._normed(part, parts, state)
            elif isinstance(part, nn.AvgPool2d | nn.MaxPool2d):
                state = self._pool(part, state)
            elif isinstance(part, nn.ReLU):
                state = self._relu(state)
            else:
                raise ConfigError(f"no step is known for {type(part).__name__}")
        return state

    def _edge(self, module: NetworkCell, index: int, state: _Map) -> _Map:
        block, side = divmod(index, NUM_INPUTS)
        operation = module.cell.blocks[block].edges[side].operation
        if module.reads_relu[index]:
            state = self._relu(state)
        made = self.module(module.operations[index], state)
        if operation == Operation.IDENTITY:
            return made
        drop = Drop(module.drop_path, self.images)
        return self.append(drop, made.num_channels, made.size, made)

    def _concat(self, *states: _Map) -> _Map:
        num_channels = sum(state.num_channels for state in states)
        return self.append(Concat(), num_channels, states[0].size, *states)

    def _relu(self, state: _Map) -> _Map:
        return self.append(Relu(), state.num_channels, state.size, state)

    def _normed(
        self, part: nn.Conv2d | FactorizedReduction, behind: deque[nn.Module], state: _Map
    ) -> _Map:
        """A convolution with the norm and the ReLU that are taken from what stands behind it."""
        conv: Convolution
        if isinstance(part, FactorizedReduction):
            halves = [self._every_second(first, (2, 2), state) for first in (0, 1)]
            conv, reads, size = Pointwise(part.even, part.odd), halves, halves[0].size
            num_made = part.even.out_channels + part.odd.out_channels
        else:
            conv, reads, size = self._conv(part, state)
            num_made = part.out_channels
        if not behind or not isinstance(behind[0], nn.BatchNorm2d):
            return self.append(conv, num_made, size, *reads)
        norm = cast("nn.BatchNorm2d", behind.popleft())
        has_relu = bool(behind) and isinstance(behind[0], nn.ReLU)
        if has_relu:
            behind.popleft()
        step = Normed(conv, norm, self.images, has_relu=has_relu)
        return self.append(step, num_made, size, *reads)

    def _conv(self, conv: nn.Conv2d, state: _Map) -> tuple[Convolution, list[_Map], HeightWidth]:
        """The step of a convolution, what it reads, and the size of what it makes."""
        window = Window.of(conv)
        if window.num_taps == 1 and window.padding == (0, 0) and conv.groups == 1:
            if window.stride != (1, 1):
                state = self._every_second(0, window.stride, state)
            return Pointwise(conv), [state], state.size
        step = Windowed(conv, state.size, reads_images=state == self._given)
        return step, [state], window.reduced(state.size)

    def _every_second(self, first: int, stride: HeightWidth, state: _Map) -> _Map:
        step = EverySecond(first, state.size, stride)
        return self.append(step, state.num_channels, step.reduced, state)

    def _pool(self, pool: nn.AvgPool2d | nn.MaxPool2d, state: _Map) -> _Map:
        window = Window(pair(pool.kernel_size), pair(pool.stride), pair(pool.padding))
        steps: list[Step] = [AveragePool(window, state.size)]
        if isinstance(pool, nn.MaxPool2d):
            steps = [*max_pools(window, state.size)]
        reduced = window.reduced(state.size)
        for each in steps:
            state = self.append(each, state.num_channels, reduced, state)
        return state


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """What runs, one after the other."""
    if isinstance(module, nn.Sequential):
        for each in module:
            yield from _parts(each)
    elif not isinstance(module, nn.Identity):
        yield module
        if isinstance(module, FactorizedReduction):
            yield module.norm
