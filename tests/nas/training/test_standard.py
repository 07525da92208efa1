from __future__ import annotations

import numpy as np
import torch

from tasks.nas.training.standard import Standard


def test_images_are_standardised_and_channels_last() -> None:
    pixels = np.full((2, 4, 4, 3), 255, np.uint8)
    pixels[..., 1] = 0
    got = Standard((0.5, 0.5, 0.5), (0.25, 0.5, 0.25)).tensor(pixels)
    assert got.shape == (2, 3, 4, 4)
    assert got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got[0, :, 0, 0], torch.tensor([2.0, -1.0, 2.0]))
