"""Depthwise convolutions of large maps, by strips of columns, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.layout.large_depthwise import LargeDepthwise
from tasks.nas.models.layout.toeplitz import Window
from tests.support.nas.layout_steps import check_step, random_maps


def depthwise(kernel: tuple[int, int], **more: int) -> nn.Conv2d:
    torch.manual_seed(1)
    padding = [side // 2 for side in kernel]
    return nn.Conv2d(3, 3, kernel, padding=padding, groups=3, bias=False, **more).double()


@pytest.mark.parametrize(
    ("kernel", "size"),
    [
        ((3, 3), (16, 16)),
        ((5, 5), (9, 6)),
        ((7, 7), (16, 16)),
        ((7, 7), (2, 3)),
        ((1, 5), (9, 6)),
        ((5, 5), (2, 3)),
    ],
)
def test_results_and_gradients_are_torchs(kernel, size) -> None:
    conv = depthwise(kernel)
    assert LargeDepthwise.serves(Window.of(conv), size)
    check_step(LargeDepthwise(conv, size), conv, [random_maps(3, 2, *size)])


@pytest.mark.parametrize(
    "conv",
    [
        depthwise((3, 2)),  # grows the map
        depthwise((5, 1)),  # one column: torch's own routine is as good
        depthwise((3, 3), stride=2),
        depthwise((3, 3), dilation=2),
    ],
)
def test_other_windows_are_left_to_others(conv) -> None:
    assert not LargeDepthwise.serves(Window.of(conv), (16, 16))


@pytest.mark.parametrize(("columns", "widths"), [(3, [3]), (5, [3, 2]), (7, [3, 3, 1])])
def test_wide_kernels_are_cut_into_strips(columns, widths) -> None:
    step = LargeDepthwise(depthwise((3, columns)), (8, 8))
    assert [len(strip) for strip in step._strips] == widths
