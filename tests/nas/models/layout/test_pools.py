"""Pools, against torch's own, where values are equal too."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from torch.nn.functional import avg_pool2d, max_pool2d

from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.pools import AveragePool, max_pools
from tasks.nas.models.layout.steps import Back, Step
from tasks.nas.models.layout.windows import Window
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
            (gradient,) = step.pull(Back(Gradients(), back.saved[number], gradient, False, into))
        return (gradient,)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("num_images", [3, 70])
def test_average_pools_leave_out_the_padding(size, stride, num_images) -> None:
    check_step(
        AveragePool(Window((3, 3), (stride, stride), (1, 1)), size),
        lambda maps: avg_pool2d(maps, 3, stride, 1, count_include_pad=False),
        [random_maps(2, num_images, *size)],
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("has_ties", [False, True])
@pytest.mark.parametrize("num_images", [3, 70])
def test_max_pools_take_the_first_of_equal_values(
    size, stride, kernel, has_ties, num_images
) -> None:
    images = random_maps(2, num_images, *size)
    images = images.round() if has_ties else images
    window = Window((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
    pools = max_pools(window, size)
    assert len(pools) == (2 if kernel >= 5 and stride == 1 else 1)
    check_step(Chain(pools), lambda maps: max_pool2d(maps, kernel, stride, kernel // 2), [images])
