"""The operations of the space as PyTorch modules.

Order, strides and repetitions are those of the code that the authors of NASNet-A and AmoebaNet-A
released (Zoph et al., 2018; Real et al., 2019): ReLU, convolution, batch norm; separable
convolutions are applied twice and only the first application strides; dense convolutions larger
than 1x1 run on a quarter of the filters (1x3 then 3x1 on three eighths) between two 1x1
convolutions; pooling has neither ReLU nor batch norm.

Deviations: padding is symmetric where TensorFlow pads the right more at stride 2, so sizes and
costs are equal and sampling positions differ by up to one pixel. An identity that has to halve
the resolution is a factorised reduction, which loses no position, where the released code takes
every second one.

Shapes: images and states are (n, c, h, w), channels_last wherever the input is.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor, nn

from tasks.nas.types import Operation

_DILATION = 2


class BatchNorm(nn.BatchNorm2d):
    """Batch norm with the paper's epsilon; its momentum (0.0003) would need 20,000 steps."""

    def __init__(self, num_channels: int) -> None:
        super().__init__(num_channels, eps=1e-3)


class FactorizedReduction(nn.Module):
    """Halves the resolution: one 1x1 convolution on even positions, one on odd, concatenated.

    Reads a state after its ReLU.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.even = nn.Conv2d(in_channels, out_channels - half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(in_channels, half, 1, stride=2, bias=False)
        self.norm = BatchNorm(out_channels)

    def forward(self, state: Tensor) -> Tensor:
        """Map (n, in, h, w) to (n, out, ceil(h / 2), ceil(w / 2))."""
        height, width = state.shape[-2:]
        shifted = state[:, :, 1:, 1:]
        if height % 2 or width % 2:
            shifted = nn.functional.pad(shifted, (0, width % 2, 0, height % 2))
        halved: Tensor = self.norm(torch.cat([self.even(state), self.odd(shifted)], dim=1))
        return halved


class SeparableConv(nn.Sequential):
    """A depthwise convolution, a pointwise one and batch norm; reads a state after its ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.Conv2d(
                in_channels,
                in_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups=in_channels,
                bias=False,
            ),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            BatchNorm(out_channels),
        )


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: int = 1,
) -> nn.Sequential:
    """A dense convolution and batch norm; reads a state after its ReLU."""
    padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(conv, BatchNorm(out_channels))


def reads_relu(operation: Operation, in_channels: int, out_channels: int, stride: int) -> bool:
    """Whether an operation reads its state after a ReLU, which the cell then shares."""
    if operation == Operation.IDENTITY:
        return stride > 1 or in_channels != out_channels
    return operation not in _POOLS


def make_operation(
    operation: Operation, in_channels: int, out_channels: int, stride: int
) -> nn.Module:
    """Build an operation.

    Args:
        operation: Which.
        in_channels: Channels of the state that it reads.
        out_channels: Channels of its result.
        stride: 1 keeps the resolution, 2 halves it.
    """
    if operation == Operation.IDENTITY:
        return adapt(in_channels, out_channels, stride)
    if operation in _POOLS:
        return _pool(operation, in_channels, out_channels, stride)
    return _CONVOLUTIONS[operation](in_channels, out_channels, stride)


def adapt(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Bring a state to a number of channels and a resolution; nothing if it has both."""
    if stride > 1:
        return FactorizedReduction(in_channels, out_channels)
    if in_channels != out_channels:
        return conv_norm(in_channels, out_channels, (1, 1))
    return nn.Identity()


def _pool(operation: Operation, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    make, kernel = _POOLS[operation]
    pool = make(kernel, stride)
    if in_channels == out_channels:
        return pool
    return nn.Sequential(pool, conv_norm(in_channels, out_channels, (1, 1)))


def _average(kernel: int, stride: int) -> nn.Module:
    return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)


def _maximum(kernel: int, stride: int) -> nn.Module:
    return nn.MaxPool2d(kernel, stride, kernel // 2)


def _bottlenecked(
    make: Callable[[int, int, int], nn.Module], share: Fraction
) -> Callable[[int, int, int], nn.Module]:
    """Run an operation on a share of the filters, between two 1x1 convolutions."""

    def build(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        inner = int(out_channels * share)
        if inner < 1:
            return make(in_channels, out_channels, stride)
        return nn.Sequential(
            conv_norm(in_channels, inner, (1, 1)),
            nn.ReLU(inplace=True),
            make(inner, inner, stride),
            nn.ReLU(inplace=True),
            conv_norm(inner, out_channels, (1, 1)),
        )

    return build


def _pointwise(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return conv_norm(in_channels, out_channels, (1, 1), (stride, stride))


def _square(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return conv_norm(in_channels, out_channels, (3, 3), (stride, stride))


def _dilated(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return conv_norm(in_channels, out_channels, (3, 3), (stride, stride), _DILATION)


def _factored(kernel: int) -> Callable[[int, int, int], nn.Module]:
    """A row of weights, then a column."""

    def make(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return nn.Sequential(
            conv_norm(in_channels, out_channels, (1, kernel), (1, stride)),
            nn.ReLU(inplace=True),
            conv_norm(out_channels, out_channels, (kernel, 1), (stride, 1)),
        )

    return make


def _separable_twice(kernel: int) -> Callable[[int, int, int], nn.Module]:
    def make(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return nn.Sequential(
            SeparableConv(in_channels, out_channels, kernel, stride),
            nn.ReLU(inplace=True),
            SeparableConv(out_channels, out_channels, kernel),
        )

    return make


def _separable_dilated(kernel: int) -> Callable[[int, int, int], nn.Module]:
    def make(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return SeparableConv(in_channels, out_channels, kernel, stride, _DILATION)

    return make


_POOLS: dict[Operation, tuple[Callable[[int, int], nn.Module], int]] = {
    Operation.AVG_POOL_3X3: (_average, 3),
    Operation.MAX_POOL_3X3: (_maximum, 3),
    Operation.MAX_POOL_5X5: (_maximum, 5),
    Operation.MAX_POOL_7X7: (_maximum, 7),
}
_CONVOLUTIONS: dict[Operation, Callable[[int, int, int], nn.Module]] = {
    Operation.CONV_1X1: _pointwise,
    Operation.CONV_3X3: _bottlenecked(_square, Fraction(1, 4)),
    Operation.DILATED_CONV_3X3: _bottlenecked(_dilated, Fraction(1, 4)),
    Operation.CONV_1X3_3X1: _bottlenecked(_factored(3), Fraction(3, 8)),
    Operation.CONV_1X7_7X1: _bottlenecked(_factored(7), Fraction(1, 4)),
    Operation.SEP_CONV_3X3: _separable_twice(3),
    Operation.SEP_CONV_5X5: _separable_twice(5),
    Operation.SEP_CONV_7X7: _separable_twice(7),
    Operation.DILATED_SEP_CONV_3X3: _separable_dilated(3),
    Operation.DILATED_SEP_CONV_5X5: _separable_dilated(5),
}
