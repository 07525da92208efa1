"""Windows as tables of what is read."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from tasks.nas.models.layout.windows import Reads, Window, pair, table

WINDOWS = [
    Window((3, 3), (1, 1), (1, 1)),
    Window((5, 5), (2, 2), (2, 2)),
    Window((3, 3), (1, 1), (2, 2), (2, 2)),
    Window((1, 7), (1, 2), (0, 3)),
]


def entries(reads: Reads) -> list[tuple[int, int, int]]:
    """(position, place, tap) of all entries."""
    by = np.repeat(np.arange(reads.num_positions), np.diff(reads.starts))
    return list(zip(by.tolist(), reads.places.tolist(), reads.taps.tolist(), strict=True))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1)])
def test_sums_of_what_is_read_are_the_convolution(window, size) -> None:
    image = torch.randn(1, 1, *size, dtype=torch.float64)
    kernel = torch.randn(1, 1, *window.kernel, dtype=torch.float64)
    truth = conv2d(image, kernel, None, window.stride, window.padding, window.dilation)
    made = table(window, size)
    assert made.reduced == window.reduced(size) == tuple(truth.shape[2:])
    found = torch.zeros(truth.numel(), dtype=torch.float64)
    for q, place, tap in entries(made.reads):
        found[q] += image.flatten()[place] * kernel.flatten()[tap]
    torch.testing.assert_close(found, truth.flatten())
    turned = sorted((place, q, tap) for q, place, tap in entries(made.reads))
    assert sorted(entries(made.read_by)) == turned
    assert [entry[0] for entry in entries(made.read_by)] == [entry[0] for entry in turned]


def test_the_middle_of_the_first_row_reads_what_lies_one_row_up() -> None:
    found = entries(table(WINDOWS[0], (2, 1)).reads)
    assert [(q, place) for q, place, tap in found if tap == 1] == [(1, 0)]


def test_places_come_row_by_row() -> None:
    reads = table(WINDOWS[0], (3, 3)).reads
    assert reads.places[reads.starts[4] : reads.starts[5]].tolist() == list(range(9))


def test_copies_have_addresses_of_this_process() -> None:
    made = table(WINDOWS[0], (3, 3))
    assert copy.deepcopy(made) is made
    assert pickle.loads(pickle.dumps(made)) is made  # noqa: S301


def test_a_window_is_read_from_a_convolution() -> None:
    conv = nn.Conv2d(2, 2, (1, 7), (1, 2), (0, 3))
    assert Window.of(conv) == WINDOWS[3]
    assert pair(3) == (3, 3)
