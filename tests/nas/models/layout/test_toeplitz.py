"""Convolutions and average pools as matrices."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d

from tasks.nas.models.layout.toeplitz import Window, averages, is_small, pair, taps

WINDOWS = [
    Window((3, 3), (1, 1), (1, 1)),
    Window((5, 5), (2, 2), (2, 2)),
    Window((3, 3), (1, 1), (2, 2), (2, 2)),
    Window((1, 7), (1, 2), (0, 3)),
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1)])
def test_a_kernel_times_the_taps_is_the_convolution(window, size) -> None:
    image = torch.randn(1, 1, *size, dtype=torch.float64)
    kernel = torch.randn(1, 1, *window.kernel, dtype=torch.float64)
    matrix = (kernel.flatten() @ taps(window, size, torch.float64)).view(size[0] * size[1], -1)
    truth = conv2d(image, kernel, None, window.stride, window.padding, window.dilation)
    assert window.reduced(size) == tuple(truth.shape[2:])
    torch.testing.assert_close(image.flatten() @ matrix, truth.flatten())


def test_one_tap_reads_what_lies_one_row_up() -> None:
    matrix = taps(WINDOWS[0], (2, 1), torch.float32)[1].view(2, 2)  # the middle of the first row
    assert matrix.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("stride", [1, 2])
def test_averages_leave_out_the_padding(stride) -> None:
    window = Window((3, 3), (stride, stride), (1, 1))
    image = torch.randn(1, 1, 4, 5, dtype=torch.float64)
    truth = avg_pool2d(image, 3, stride, 1, count_include_pad=False)
    found = image.flatten() @ averages(window, (4, 5), torch.float64)
    torch.testing.assert_close(found, truth.flatten())


def test_a_window_is_read_from_a_convolution() -> None:
    conv = nn.Conv2d(2, 2, (1, 7), (1, 2), (0, 3))
    assert Window.of(conv) == WINDOWS[3]
    assert pair(3) == (3, 3)


def test_small_is_what_matrices_are_faster_for() -> None:
    steady, strided = WINDOWS[0], WINDOWS[1]
    assert is_small(steady, (8, 8))
    assert is_small(strided, (16, 16))
    assert not is_small(steady, (16, 16))


@pytest.mark.parametrize("make", [taps, averages])
def test_matrices_that_an_evaluation_made_serve_trainings(make) -> None:
    make.cache_clear()
    with torch.inference_mode():
        made = make(WINDOWS[0], (3, 7), torch.float64)
    assert made is make(WINDOWS[0], (3, 7), torch.float64)
    weights = torch.ones(len(made), dtype=torch.float64, requires_grad=True)
    (weights @ made).sum().backward()
    torch.testing.assert_close(weights.grad, made.sum(dim=1))
