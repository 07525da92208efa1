"""Batch norm of channel-major maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.steps import Back, Step, added

_aten = torch.ops.aten


class Statistics(NamedTuple):
    """What a batch norm kept.

    Attributes:
        state: What it read, (c, n p).
        mean: Of each channel of this batch, (1, c).
        inverse_deviation: One over the root of variance plus epsilon, (1, c).
    """

    state: Tensor
    mean: Tensor
    inverse_deviation: Tensor


class Norm(Step):
    """Batch norm, each channel being one row.

    Then it is group norm of one image with a group for each channel, whose statistics torch takes
    in vector registers (measured: 21 against 92 us for 8 rows of 8,192).
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        if norm.running_mean is None or norm.momentum is None or not norm.affine:
            raise ConfigError("expected a batch norm with weights and running means")
        self.module = norm
        self._of_norm: dict[str, Any] = norm._parameters

    @override
    def weights(self) -> Sequence[Tensor]:
        return self._of_norm["weight"], self._of_norm["bias"]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, norm = maps[0], self.module
        num_channels, num_values = state.shape
        weight, bias = self.weights()
        if not norm.training:
            running = norm.running_mean, norm.running_var
            rows = state.unsqueeze(0)
            result = _aten.native_batch_norm(rows, weight, bias, *running, False, 0.0, norm.eps)
            return result[0].squeeze(0), None
        if num_values < 2:
            raise ValueError("batch norm expected more than one value for each channel")
        sizes = 1, num_channels, num_values, num_channels
        result, mean, inverse = torch.native_group_norm(state, weight, bias, *sizes, norm.eps)
        return result, Statistics(state, mean, inverse)

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        state, mean, inverse = back.saved
        num_channels, num_values = state.shape
        weight, bias = self.weights()
        sizes = 1, num_channels, num_values, num_channels
        found, back.weights[weight], back.weights[bias] = _aten.native_group_norm_backward(
            back.gradient, state, mean, inverse, weight, *sizes, (True, True, True)
        )
        return (added(found, back.into[0]),)


class Running:
    """Brings the running statistics of batch norms up to date, all in a few calls.

    They lie in one tensor each: the modules' own are views.
    """

    def __init__(self) -> None:
        self._modules: list[nn.BatchNorm2d] = []
        self._views: list[Tensor] = []

    def track(self, norms: Sequence[Norm], kept: Sequence[Statistics]) -> None:
        """Take in the statistics of one batch, of norms in the order in which they ran."""
        if not self._holds(norms):
            self._gather([norm.module for norm in norms])
        means = torch.cat([each.mean for each in kept], dim=1).view(-1)
        inverse = torch.cat([each.inverse_deviation for each in kept], dim=1).view(-1)
        # Running variances are those of the population, by the number of values less one.
        counts = _spread([each.state.shape[1] for each in kept], self._sizes, means)
        variances = inverse.pow_(-2).sub_(self._eps).mul_(counts / (counts - 1))
        self._means.lerp_(means, self._momenta)
        self._variances.lerp_(variances, self._momenta)
        self._batches.add_(1)

    def _holds(self, norms: Sequence[Norm]) -> bool:
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
