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
from tasks.nas.specs import BaselineSpec, NetworkSpec
from tasks.nas.types import Genotype

TOLERANCE = 0.05  # relative, of the multiply-adds
_CLOSE = 0.01  # so near that no other width is tried
# So fine that no two stages gain a filter at the same step.
_CELL_STEP = 1 / 8
_BASELINE_STEPS = {"resnet": 1 / 16, "mobilenet_v2": 1 / 256}
_LEAST_FILTERS = {"cifar": 1.0, "imagenet": 4.0}
_START = 128  # steps

SpecT = TypeVar("SpecT", NetworkSpec, BaselineSpec)


def scale_cells(
    genotype: Genotype,
    spec: NetworkSpec,
    mult_adds: int,
    num_cells: Sequence[int] = (),
    tolerance: float = TOLERANCE,
) -> tuple[NetworkSpec, Cost]:
    """Find the filters at which a genotype costs what is asked.

    Args:
        genotype: The cells.
        spec: Everything but the filters.
        mult_adds: Multiply-adds of one image of ``spec.image_px``, wanted.
        num_cells: Values of N to choose from; the spec's if empty.
        tolerance: How far off the cost may be, relative.

    Returns:
        The spec that comes nearest, and its cost.

    Raises:
        ConfigError: None comes within the tolerance, or the spec is wrong.
    """

    def cost(sized: NetworkSpec) -> Cost:
        return cost_of(lambda: CellNetwork(genotype, sized), sized.image_px)

    least = round(_LEAST_FILTERS.get(spec.stem, 1.0) / _CELL_STEP)
    tried: list[tuple[NetworkSpec, Cost]] = []
    for number in num_cells or (spec.num_cells,):
        at = partial(_cells_of_width, replace(spec, num_cells=number))
        tried += _close_in(at, cost, mult_adds, least)
    return _nearest(tried, mult_adds, tolerance)


def scale_baseline(
    spec: BaselineSpec,
    mult_adds: int,
    num_blocks: Sequence[int] = (),
    tolerance: float = TOLERANCE,
) -> tuple[BaselineSpec, Cost]:
    """Find the width at which a baseline costs what is asked.

    Args:
        spec: Everything but the width.
        mult_adds: Multiply-adds of one image of ``spec.image_px``, wanted.
        num_blocks: Blocks per stage of a ResNet to choose from; the spec's if empty.
        tolerance: How far off the cost may be, relative.

    Returns:
        The spec that comes nearest, and its cost.

    Raises:
        ConfigError: No width comes within the tolerance, or the spec is wrong.
    """

    def cost(sized: BaselineSpec) -> Cost:
        return cost_of(lambda: make_baseline(sized), sized.image_px)

    tried: list[tuple[BaselineSpec, Cost]] = []
    for number in num_blocks or (spec.num_blocks,):
        at = partial(_baseline_of_width, replace(spec, num_blocks=number))
        tried += _close_in(at, cost, mult_adds, 1)
    return _nearest(tried, mult_adds, tolerance)


def _cells_of_width(spec: NetworkSpec, num_steps: int) -> NetworkSpec:
    return replace(spec, num_filters=num_steps * _CELL_STEP)


def _baseline_of_width(spec: BaselineSpec, num_steps: int) -> BaselineSpec:
    return replace(spec, width=num_steps * _BASELINE_STEPS.get(spec.kind, 1.0))


def _close_in(
    at: Callable[[int], SpecT], cost: Callable[[SpecT], Cost], wanted: int, least: int
) -> list[tuple[SpecT, Cost]]:
    """Measure widths until one is close or neighbours enclose the wanted cost; all measured."""
    tried = []
    below, above = least - 1, None
    steps = max(least, _START)
    while above is None or above - below > 1:
        spec = at(steps)
        found = cost(spec)
        tried.append((spec, found))
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
    tried: Sequence[tuple[SpecT, Cost]], wanted: int, tolerance: float
) -> tuple[SpecT, Cost]:
    spec, cost = min(tried, key=lambda each: abs(each[1].mult_adds - wanted))
    if abs(cost.mult_adds - wanted) > tolerance * wanted:
        raise ConfigError(
            f"no width costs {wanted:,} multiply-adds within {tolerance:.0%}; the nearest is "
            f"{cost.mult_adds:,} with {spec}; allow other numbers of cells or another target"
        )
    return spec, cost
