"""The fixed convolution step."""

from __future__ import annotations

import torch

from benchmarks.nas.convolution_kernel import ConvolutionKernel


def test_each_run_is_timed() -> None:
    num_threads = torch.get_num_threads()
    try:
        kernel = ConvolutionKernel()
        kernel.run(repeats=5)
    finally:
        torch.set_num_threads(num_threads)
    assert 0 < kernel.median_s < 1
