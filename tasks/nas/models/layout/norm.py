"""Convolutions with the batch norm behind them, and the ReLU behind that, of channel-major maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.convolutions import Convolution
from tasks.nas.models.layout.kernels import norms
from tasks.nas.models.layout.steps import Back, Batch, Images, Step, zero_of


class Statistics(NamedTuple):
    """What a batch norm kept.

    Attributes:
        of_conv: What the convolution in front of it kept.
        state: What it read, (c, p n).
        result: What it made.
        moments: Of each channel of this batch, its mean and one over the root of variance plus
            epsilon, (2, c).
        num_real: Numbers of a channel, without padding.
        batch: How many images it read.
    """

    of_conv: Any
    state: Tensor
    result: Tensor
    moments: Tensor
    num_real: int
    batch: Batch


class Normed(Step):
    """A convolution, batch norm, and where it is asked for ReLU.

    Each channel being one row, a row is standardised, scaled, shifted and cut while it lies in
    cache. In evaluation, the norm is folded into the convolution's weights.
    """

    def __init__(
        self, conv: Convolution, norm: nn.BatchNorm2d, images: Images, *, has_relu: bool
    ) -> None:
        if norm.running_mean is None or norm.momentum is None or not norm.affine:
            raise ConfigError("expected a batch norm with weights and running means")
        self.module, self._conv, self._images, self._has_relu = norm, conv, images, has_relu
        self._of_norm: dict[str, Any] = norm._parameters

    @override
    def weights(self) -> Sequence[Tensor]:
        return *self._conv.weights(), self._of_norm["weight"], self._of_norm["bias"]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        if not self.module.training:
            return self._folded(*maps), None
        state, of_conv = self._conv.run(*maps)
        num_channels, num_values = state.shape
        batch = self._images.batch
        count = num_values // batch.num_padded * batch.num_images
        if count < 2:
            raise ValueError("batch norm expected more than one value for each channel")
        result, moments = torch.empty_like(state), state.new_empty(2, num_channels)
        norms.standardised(
            zero_of(state), state.data_ptr(), self._of_norm["weight"].data_ptr(),
            self._of_norm["bias"].data_ptr(), result.data_ptr(), moments.data_ptr(),
            num_channels, num_values, count, self.module.eps, self._has_relu,
        )  # fmt: skip
        batch.blank(result)
        return result, Statistics(of_conv, state, result, moments, count, batch)

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        of_conv, state, result, moments, count, batch = back.saved
        weight, bias = self._of_norm["weight"], self._of_norm["bias"]
        gradient, (num_channels, num_values) = back.gradient, state.shape
        found = gradient if back.owns else torch.empty_like(gradient)
        norms.standardised_back(
            zero_of(state), gradient.data_ptr(), state.data_ptr(), result.data_ptr(),
            moments.data_ptr(), weight.data_ptr(), found.data_ptr(), back.weights.address(weight),
            back.weights.address(bias), num_channels, num_values, count, self._has_relu,
        )  # fmt: skip
        batch.blank(found)
        back.saved, back.gradient, back.owns = of_conv, found, True
        return self._conv.pull(back)

    def _folded(self, *maps: Tensor) -> Tensor:
        norm = self.module
        mean, variance, _ = _statistics(norm)
        scale = self._of_norm["weight"] * (variance + norm.eps).rsqrt_()
        shift = self._of_norm["bias"] - mean * scale
        weights = self._conv.weights()
        scales = torch.split(scale, [len(weight) for weight in weights])
        scaled = [
            weight * each.view(-1, 1, 1, 1) for weight, each in zip(weights, scales, strict=True)
        ]
        result = self._conv.made(scaled, shift, *maps)
        return result.relu_() if self._has_relu else result


class Running:
    """Brings the running statistics of batch norms up to date, all in a few calls.

    They lie in one tensor each: the modules' own are views.
    """

    def __init__(self) -> None:
        self._modules: list[nn.BatchNorm2d] = []
        self._views: list[Tensor] = []

    def track(self, norms: Sequence[Normed], kept: Sequence[Statistics]) -> None:
        """Take in the statistics of one batch, of norms in the order in which they ran."""
        if not self._holds(norms):
            self._gather([norm.module for norm in norms])
        means, inverse = torch.cat([each.moments for each in kept], dim=1)
        # Running variances are those of the population, by the number of values less one.
        counts = _spread([each.num_real for each in kept], self._sizes, means)
        variances = inverse.pow_(-2).sub_(self._eps).mul_(counts / (counts - 1))
        self._means.lerp_(means, self._momenta)
        self._variances.lerp_(variances, self._momenta)
        self._batches.add_(1)

    def _holds(self, norms: Sequence[Normed]) -> bool:
        """Whether the modules' statistics are still those of the last gathering."""
        if len(norms) != len(self._modules):
            return False
        now = [each for norm in norms for each in _statistics(norm.module)]
        return all(one is other for one, other in zip(now, self._views, strict=True))

    def _gather(self, modules: list[nn.BatchNorm2d]) -> None:
        self._modules = modules
        sizes = [module.num_features for module in modules]
        self._sizes = torch.tensor(sizes)
        statistics = zip(*[_statistics(module) for module in modules], strict=True)
        self._means, self._variances, self._batches = (
            torch.cat([each.reshape(-1) for each in column]) for column in statistics
        )
        for module, mean, variance, batches in zip(
            modules,
            torch.split(self._means, sizes),
            torch.split(self._variances, sizes),
            self._batches,
            strict=True,
        ):
            found = {"running_mean": mean, "running_var": variance, "num_batches_tracked": batches}
            module._buffers.update(found)
        self._views = [each for module in modules for each in _statistics(module)]
        like = self._means
        self._eps = _spread([module.eps for module in modules], self._sizes, like)
        momenta = [cast("float", module.momentum) for module in modules]
        self._momenta = _spread(momenta, self._sizes, like)


def _statistics(module: nn.BatchNorm2d) -> tuple[Tensor, Tensor, Tensor]:
    found = module._buffers
    return cast(
        "tuple[Tensor, Tensor, Tensor]",
        (found["running_mean"], found["running_var"], found["num_batches_tracked"]),
    )


def _spread(values: Sequence[float], sizes: Tensor, like: Tensor) -> Tensor:
    """A value of each norm as one of each channel."""
    return torch.tensor(values, dtype=like.dtype).repeat_interleave(sizes)
