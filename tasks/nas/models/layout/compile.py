"""Programs from modules."""

from __future__ import annotations

from typing import cast

from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.cell import NetworkCell
from tasks.nas.models.layout.convolutions import (
    BySize,
    Dense,
    Depthwise,
    First,
    Library,
    Pointwise,
    PointwisePair,
)
from tasks.nas.models.layout.norm import Norm
from tasks.nas.models.layout.pools import AveragePool, PlanesFirst, PlanesLast, max_pools
from tasks.nas.models.layout.program import Program
from tasks.nas.models.layout.steps import Add, Concat, Drop, EverySecond, Relu, Step
from tasks.nas.models.layout.toeplitz import Window, pair
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.operations import FactorizedReduction
from tasks.nas.types import NUM_INPUTS, Combiner, Operation

_MOST_POSITIONS = 64  # of a map, beyond which matrix products do too much arithmetic


def stages_program(network: CellNetwork) -> Program:
    """The program of `CellNetwork.stages`; it reads images and makes channel-major maps."""
    program = Program()
    stem = list(network.stem.children())
    states = [_append(program, stem[1], program.append(First(cast("nn.Conv2d", stem[0])), 0))]
    for cell, (previous, current) in zip(network.cells, network.reads, strict=True):
        states.append(
            _append_cell(program, cast("NetworkCell", cell), states[previous], states[current])
        )
    program.results = [states[end] for end in network.stage_ends]
    return program


def _append_cell(program: Program, module: NetworkCell, previous: int, current: int) -> int:
    given = (previous if module.has_previous else current, current)
    states = [
        _append(program, each, state) for each, state in zip(module.inputs, given, strict=True)
    ]
    for index, block in enumerate(module.cell.blocks):
        left, right = (
            _append_edge(program, module, NUM_INPUTS * index + side, states[edge.source])
            for side, edge in enumerate(block.edges)
        )
        step = Add() if block.combiner == Combiner.ADD else Concat()
        states.append(program.append(step, left, right))
    kept = [
        _append(program, each, states[state])
        for each, state in zip(module.outputs, module.cell.concat, strict=True)
    ]
    return program.append(Concat(), *kept) if len(kept) > 1 else kept[0]


def _append_edge(program: Program, module: NetworkCell, index: int, state: int) -> int:
    block, side = divmod(index, NUM_INPUTS)
    edge = module.cell.blocks[block].edges[side]
    if module.reads_relu[index]:
        state = program.append(Relu(in_place=False), state)
    result = _append(program, module.operations[index], state)
    if edge.operation == Operation.IDENTITY:
        return result
    return program.append(Drop(module.drop_path), result)


def _append(program: Program, module: nn.Module, state: int) -> int:
    """Append a module that reads one map; returns the map that it makes."""
    if isinstance(module, nn.Identity):
        return state
    if isinstance(module, nn.Sequential):
        for each in module:
            state = _append(program, each, state)
        return state
    if isinstance(module, FactorizedReduction):
        halves = [program.append(EverySecond(first), state) for first in (0, 1)]
        pair = PointwisePair((module.even, module.odd))
        return _append(program, module.norm, program.append(pair, *halves))
    if isinstance(module, nn.Conv2d):
        return _append_conv(program, module, state)
    if isinstance(module, nn.MaxPool2d):
        state = program.append(PlanesLast(), state)
        for pool in max_pools(_pool_window(module)):
            state = program.append(pool, state)
        return program.append(PlanesFirst(), state)
    return program.append(_step(module), state)


def _append_conv(program: Program, conv: nn.Conv2d, state: int) -> int:
    window = Window.of(conv)
    if window.num_taps == 1 and window.padding == (0, 0) and conv.groups == 1:
        if window.stride != (1, 1):
            state = program.append(EverySecond(0, window.stride), state)
        return program.append(Pointwise(conv), state)
    small = Dense(conv) if conv.groups == 1 else Depthwise(conv)
    return program.append(BySize(small, Library(conv), _MOST_POSITIONS), state)


def _step(module: nn.Module) -> Step:
    if isinstance(module, nn.ReLU):
        return Relu(in_place=module.inplace)
    if isinstance(module, nn.BatchNorm2d):
        return Norm(module)
    if isinstance(module, nn.AvgPool2d):
        return AveragePool(_pool_window(module))
    raise ConfigError(f"no step is known for {type(module).__name__}")


def _pool_window(pool: nn.AvgPool2d | nn.MaxPool2d) -> Window:
    return Window(pair(pool.kernel_size), pair(pool.stride), pair(pool.padding))
