"""A fixed piece of training, timed beside a measurement, so that machines can be compared.

One step of a 3 x 3 convolution, forwards and backwards: 32 to 32 channels, 64 images of 16 x 16,
channels_last, float32, one thread. It stands on torch alone, so that no change of ours makes it
faster or slower.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

_CHANNELS, _IMAGES, _SIDE_PX = 32, 64, 16
# 24 CPU seconds, which 150 children at 8 px a core-hour allow, over 0.0061 s: the least of 200
# runs on a loaded Xeon (Sapphire Rapids) core, 2026-11-26.
CHILD_BOUND_MULTIPLE = 3900.0


class ConvolutionKernel:
    """Times the fixed work."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        generator = torch.Generator().manual_seed(0)
        self._conv = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False)
        self._conv.to(memory_format=torch.channels_last)
        size = (_IMAGES, _CHANNELS, _SIDE_PX, _SIDE_PX)
        images = torch.randn(size, generator=generator)
        self._images = images.contiguous(memory_format=torch.channels_last).requires_grad_()
        self._times_s: list[float] = []
        self._step()

    def run(self, repeats: int = 20) -> None:
        """Time the work a few times."""
        self._times_s += [self._step() for _ in range(repeats)]

    @property
    def median_s(self) -> float:
        """Median CPU seconds of all that was timed."""
        return float(np.median(self._times_s))

    def _step(self) -> float:
        begun_s = time.process_time()
        self._conv(self._images).sum().backward()
        self._images.grad = self._conv.weight.grad = None
        return time.process_time() - begun_s
