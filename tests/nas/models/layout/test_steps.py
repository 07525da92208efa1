"""Steps without weights, against torch's own operations."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import pad

from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.layout.steps import Add, Back, Concat, Drop, EverySecond, Relu
from tests.support.nas.layout_steps import check_step, random_maps, to_rows


@pytest.mark.parametrize("in_place", [False, True])
def test_relu(in_place) -> None:
    check_step(Relu(in_place=in_place), torch.relu, [random_maps(2, 3, 4, 4)])


def test_relu_overwrites_a_gradient_only_if_it_may() -> None:
    _, saved = Relu(in_place=False).run(torch.tensor([[-1.0, 2.0]]))
    for owns in (False, True):
        gradient = torch.ones(1, 2)
        (found,) = Relu(in_place=False).pull(Back({}, saved, gradient, owns, [None]))
        assert found.tolist() == [[0, 1]]
        assert gradient.tolist() == ([[0, 1]] if owns else [[1, 1]])


def test_sums_and_concatenations() -> None:
    one, other = random_maps(2, 3, 4, 4), random_maps(2, 3, 4, 4, seed=1)
    check_step(Add(), torch.add, [one, other])
    check_step(Concat(), lambda *maps: torch.cat(maps, dim=1), [one, other, one])


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1), (2, 5)])
def test_every_second_position(first, size) -> None:
    height, width = size

    def expected(images: torch.Tensor) -> torch.Tensor:
        images = images[:, :, first:, first:]
        if first:
            images = pad(images, (0, width % 2, 0, height % 2))
        return images[:, :, ::2, ::2]

    step = EverySecond(first, size)
    assert step.reduced == ((height + 1) // 2, (width + 1) // 2)
    check_step(step, expected, [random_maps(2, 3, *size)])


def test_dropped_paths_are_whole_images_and_keep_the_mean() -> None:
    path = DropPath(1.0).train()
    path.schedule(0.5, 1.0)
    rows = to_rows(random_maps(2, 64, 2, 2))
    torch.manual_seed(1)
    made, saved = Drop(path, (2, 2)).run(rows)
    factors = (made / rows).view(2, 64, 4)
    assert set(factors.round(decimals=6).unique().tolist()) == {0.0, 2.0}
    assert torch.equal(factors, factors[:1, :, :1].expand_as(factors))
    (back,) = Drop(path, (2, 2)).pull(Back({}, saved, torch.ones_like(rows), False, [None]))
    torch.testing.assert_close(back, made / rows)
    assert Drop(path.eval(), (2, 2)).run(rows)[0] is rows
