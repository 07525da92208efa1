"""Scaling: the width at which a network costs what is asked.

Zoph et al. (2018), section 3, leave N and F free to fit a network to a budget. Multiply-adds grow
about with the square of the width, so a few measurements on torch's meta device find it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from tasks.core.errors import ConfigError
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.cost import Cost, cost_of
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.types import Genotype

TOLERANCE = 0.05  # relative, of the multiply-adds
_CLOSE = 0.01  # so near that no other width is tried
# So fine that no two stages gain a filter at the same step.
_CELL_STEP = 1 / 8
_BASELINE_STEPS = {"resnet": 1 / 16, "mobilenet_v2": 1 / 256}
_LEAST_FILTERS = {"cifar": 1.0, "imagenet": 4.0}
_START = 128  # steps

SizeT = TypeVar("SizeT", NetworkSize, BaselineSize)


def scale_cells(
    genotype: Genotype,
    size: NetworkSize,
    mult_adds: int,
    num_cells: Sequence[int] = (),
    tolerance: float = TOLERANCE,
) -> tuple[NetworkSize, Cost]:
    """Find the filters at which a genotype costs what is asked.

    Args:
        genotype: The cells.
        size: Everything but the filters.
        mult_adds: Multiply-adds of one image of ``size.image_px``, wanted.
        num_cells: Values of N to choose from; the size's if empty.
        tolerance: How far off the cost may be, relative.

    Returns:
        The size that comes nearest, and its cost.

    Raises:
        ConfigError: None comes within the tolerance, or the size is wrong.
    """

    def cost(sized: NetworkSize) -> Cost:
        return cost_of(lambda: CellNetwork(genotype, sized), sized.image_px)

    least = round(_LEAST_FILTERS.get(size.stem, 1.0) / _CELL_STEP)
    tried: list[tuple[NetworkSize, Cost]] = []
    for number in num_cells or (size.num_cells,):
        at = partial(_cells_of_width, replace(size, num_cells=number))
        tried += _close_in(at, cost, mult_adds, least)
    return _nearest(tried, mult_adds, tolerance)


def scale_baseline(
    size: BaselineSize,
    mult_adds: int,
    num_blocks: Sequence[int] = (),
    tolerance: float = TOLERANCE,
) -> tuple[BaselineSize, Cost]:
    """Find the width at which a baseline costs what is asked.

    Args:
        size: Everything but the width.
        mult_adds: Multiply-adds of one image of ``size.image_px``, wanted.
        num_blocks: Blocks per stage of a ResNet to choose from; the size's if empty.
        tolerance: How far off the cost may be, relative.

    Returns:
        The size that comes nearest, and its cost.

    Raises:
        ConfigError: No width comes within the tolerance, or the size is wrong.
    """

    def cost(sized: BaselineSize) -> Cost:
        return cost_of(lambda: make_baseline(sized), sized.image_px)

    tried: list[tuple[BaselineSize, Cost]] = []
    for number in num_blocks or (size.num_blocks,):
        at = partial(_baseline_of_width, replace(size, num_blocks=number))
        tried += _close_in(at, cost, mult_adds, 1)
    return _nearest(tried, mult_adds, tolerance)


def _cells_of_width(size: NetworkSize, num_steps: int) -> NetworkSize:
    return replace(size, num_filters=num_steps * _CELL_STEP)


def _baseline_of_width(size: BaselineSize, num_steps: int) -> BaselineSize:
    return replace(size, width=num_steps * _BASELINE_STEPS.get(size.kind, 1.0))


def _close_in(
    at: Callable[[int], SizeT], cost: Callable[[SizeT], Cost], wanted: int, least: int
) -> list[tuple[SizeT, Cost]]:
    """Measure widths until one is close or neighbours enclose the wanted cost; all measured."""
    tried = []
    below, above = least - 1, None
    steps = max(least, _START)
    while above is None or above - below > 1:
        size = at(steps)
        found = cost(size)
        tried.append((size, found))
        if abs(found.mult_adds - wanted) <= _CLOSE * wanted:
            break
        if found.mult_adds < wanted:
            below = steps
        else:
            above = steps
        steps = round(steps * math.sqrt(wanted / found.mult_adds))
        if above is None:
            steps = max(steps, below + 1)
        elif not below < steps < above:
            steps = (below + above) // 2
    return tried


def _nearest(
    tried: Sequence[tuple[SizeT, Cost]], wanted: int, tolerance: float
) -> tuple[SizeT, Cost]:
    size, cost = min(tried, key=lambda each: abs(each[1].mult_adds - wanted))
    if abs(cost.mult_adds - wanted) > tolerance * wanted:
        raise ConfigError(
            f"no width costs {wanted:,} multiply-adds within {tolerance:.0%}; the nearest is "
            f"{cost.mult_adds:,} with {size}; allow other numbers of cells or another target"
        )
    return size, cost
