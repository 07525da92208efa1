"""Transposes."""

from __future__ import annotations

import pytest
import torch

from tasks.nas.models.layout.turn import channel_major, channels_last, turned
from tests.support.nas.layout_steps import random_maps, to_rows


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 17), (1, 9), (130, 64)])
def test_a_matrix_is_transposed(size) -> None:
    matrix = torch.randn(size)
    found = turned(matrix)
    assert found.is_contiguous()
    assert torch.equal(found, matrix.t())


def test_maps_become_images_in_channels_last_and_come_back() -> None:
    images = random_maps(3, 2, 4, 5)
    found = channels_last(to_rows(images), (4, 5))
    assert torch.equal(found, images)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(channel_major(found), to_rows(images))
