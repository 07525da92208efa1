"""Checks steps of programs against torch's own operations and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.steps import Back, Images, Step


def random_maps(num_channels: int, num_images: int, height: int, width: int, seed=0) -> Tensor:
    """Images (n, c, h, w), double precision."""
    generator = torch.Generator().manual_seed(seed)
    size = num_images, num_channels, height, width
    return torch.randn(size, dtype=torch.float64, generator=generator)


def to_rows(images: Tensor) -> Tensor:
    """(n, c, h, w) as (c, h w n), with blank images up to a whole number of lanes."""
    padded = pad(images.permute(1, 2, 3, 0), (0, -len(images) % NUM_LANES))
    return padded.contiguous().view(images.shape[1], -1)


def images_step(num_images: int) -> Images:
    """The step that begins a program, after it has run so many images."""
    step = Images()
    step.run(torch.zeros(num_images, 1, 1, 1))
    return step


def check_step(step: Step, expected: Callable[..., Tensor], given: Sequence[Tensor]) -> None:
    """Results and gradients equal those of a function of images, alone and added to others.

    Args:
        step: What is checked.
        expected: The same as a function of images (n, c, h, w).
        given: Images that the step reads.
    """
    leaves = [images.clone().requires_grad_() for images in given]
    truth = expected(*leaves)
    gradient = torch.randn(
        truth.shape, dtype=truth.dtype, generator=torch.Generator().manual_seed(9)
    )
    weights = [weight for weight in step.weights() if weight.requires_grad]
    found = torch.autograd.grad(truth, [*leaves, *weights], gradient, allow_unused=True)
    maps = [to_rows(images) for images in given]
    made, saved = step.run(*[each.clone() for each in maps])
    torch.testing.assert_close(made, to_rows(truth.detach()))
    so_far = [to_rows(torch.ones_like(each)) for each in given]
    for into in ([None] * len(maps), so_far):
        back = Back(Gradients(), saved, to_rows(gradient), False, into)
        pulled = step.pull(back)
        for place, each in enumerate(found[: len(maps)]):
            extra = 0.0 if into[place] is None else 1.0
            torch.testing.assert_close(pulled[place], to_rows(each + extra))
        for weight, each in zip(weights, found[len(maps) :], strict=True):
            torch.testing.assert_close(back.weights.of_weight[weight], each)
