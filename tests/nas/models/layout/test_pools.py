"""Pools, against torch's own, where values are equal too."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from torch.nn.functional import avg_pool2d, max_pool2d

from tasks.nas.models.layout.pools import (
    AveragePlanes,
    AveragePool,
    PlanesFirst,
    PlanesLast,
    max_pools,
)
from tasks.nas.models.layout.steps import Back, Step
from tasks.nas.models.layout.toeplitz import Window
from tests.support.nas.layout_steps import check_step, random_maps

SIZES = [(4, 4), (8, 8), (9, 8), (1, 1), (2, 5)]


class Chain(Step):
    """Several steps as one, for the checks."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def run(self, *maps):
        state, kept = maps[0], []
        for step in self._steps:
            state, saved = step.run(state)
            kept.append(saved)
        return state, kept

    def pull(self, back):
        gradient = back.gradient
        for number, step in reversed(list(enumerate(self._steps))):
            into = back.into if number == 0 else [None]
            (gradient,) = step.pull(Back({}, back.saved[number], gradient, False, into))
        return (gradient,)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
def test_average_pools(size, stride) -> None:
    window, images = Window((3, 3), (stride, stride), (1, 1)), [random_maps(2, 3, *size)]

    def expected(given):
        return avg_pool2d(given, 3, stride, 1, count_include_pad=False)

    check_step(AveragePool(window, size), expected, images)
    planes = AveragePlanes(window, size)
    check_step(Chain([PlanesLast(size), planes, PlanesFirst(2)]), expected, images)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("has_ties", [False, True])
def test_max_pools_take_the_first_of_equal_values(size, stride, kernel, has_ties) -> None:
    images = random_maps(2, 3, *size)
    images = images.round() if has_ties else images
    window = Window((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
    pools = max_pools(window, size)
    assert len(pools) == (2 if kernel >= 5 and stride == 1 else 1)
    check_step(
        Chain([PlanesLast(size), *pools, PlanesFirst(2)]),
        lambda maps: max_pool2d(maps, kernel, stride, kernel // 2),
        [images],
    )
