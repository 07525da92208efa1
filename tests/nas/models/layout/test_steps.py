"""Steps without weights, against torch's own operations."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import pad

from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.steps import Add, Back, Batch, Concat, Drop, EverySecond, Images, Relu
from tests.support.nas.layout_steps import check_step, images_step, random_maps, to_rows


def test_relu() -> None:
    check_step(Relu(), torch.relu, [random_maps(2, 3, 4, 4)])


def test_relu_overwrites_a_gradient_only_if_it_may() -> None:
    _, saved = Relu().run(torch.tensor([[-1.0, 2.0]]))
    for owns in (False, True):
        gradient = torch.ones(1, 2)
        (found,) = Relu().pull(Back(Gradients(), saved, gradient, owns, [None]))
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


@pytest.mark.parametrize("num_images", [40, 64])
def test_dropped_paths_are_whole_images_and_keep_the_mean(num_images) -> None:
    path = DropPath(1.0).train()
    path.schedule(0.5, 1.0)
    rows, images = to_rows(torch.ones(num_images, 2, 2, 2)), images_step(num_images)
    torch.manual_seed(1)
    made, saved = Drop(path, images).run(rows)
    torch.manual_seed(1)
    truth = to_rows(path(torch.ones(num_images, 2, 2, 2)))
    assert torch.equal(made, truth)
    (back,) = Drop(path, images).pull(
        Back(Gradients(), saved, torch.ones_like(rows), False, [None])
    )
    torch.testing.assert_close(back, made)
    assert Drop(path.eval(), images).run(rows)[0] is rows


def test_images_are_brought_into_the_order_of_maps_and_filled_up() -> None:
    images, step = random_maps(3, 5, 2, 4), Images()
    made, _ = step.run(images)
    assert torch.equal(made, to_rows(images))
    assert step.batch == Batch(5, 16)
    assert step.pull(Back(Gradients(), None, made, False, [None])) == ()
    filled = torch.ones(2, 4 * 16)
    step.batch.blank(filled)
    assert torch.equal(filled, to_rows(torch.ones(5, 2, 2, 2)))
