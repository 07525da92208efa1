"""Scores of untrained networks: what a network's start says of what it will learn.

The scores that M. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, compare,
and the counts that any of them has to beat. Each takes a network with its initial weights and one
fixed batch, leaves both as they are and draws nothing, so the seed of the weights decides it. More
is meant to be better; whether it is has to be earned (`tasks.nas.proxies.earned`).

Shapes: n images, (n, 3, side, side), standardised; labels (n,).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tasks.nas.models import cost

_EIGENVALUE_SHIFT: Final = 1e-5  # of Mellor et al.
_RELUS: Final = frozenset(
    getattr(torch.ops.aten, name).default for name in ("relu", "relu_", "hardtanh", "hardtanh_")
)
Score = Callable[[nn.Module, Tensor, Tensor], float]


@dataclass(frozen=True)
class Measured:
    """A score and what it cost.

    Attributes:
        value: The score; minus infinity where it can't be told from noise.
        cpu_s: CPU seconds.
    """

    value: float
    cpu_s: float


def measure(
    build: Callable[[], nn.Module], images: Tensor, labels: Tensor, seed: int
) -> dict[str, Measured]:
    """All scores of a network.

    Args:
        build: Makes the network.
        images: (n, 3, side, side).
        labels: (n,).
        seed: Of the initial weights; torch's own generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
    found = {}
    for name, score in SCORES.items():
        begun_s = time.process_time()
        value = score(network, images, labels)
        found[name] = Measured(value, time.process_time() - begun_s)
    return found


def num_params(network: nn.Module, images: Tensor, labels: Tensor) -> float:  # noqa: ARG001
    """Number of trained weights."""
    return float(cost.num_params(network))


def mult_adds(network: nn.Module, images: Tensor, labels: Tensor) -> float:  # noqa: ARG001
    """Multiply-adds of one image."""
    return float(cost.mult_adds(network, images.shape[-1]))


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:  # noqa: ARG001
    """Logarithm of the flow through all weights, whatever their sign.

    H. Tanaka et al., "Pruning Neural Networks without Any Data by Iteratively Conserving Synaptic
    Flow", NeurIPS 2020, equation 2: with absolute weights and an image of ones, the sum of the
    outputs' gradients times the weights. Batch norm works as in evaluation, where it does nothing
    yet; without that the scores of all networks would be alike (Abdelfattah et al., section 3.2).
    """
    trial = copy.deepcopy(network).double().eval()
    with torch.no_grad():
        for each in trial.parameters():
            each.abs_()
    weights = _weights(trial)
    output = trial(torch.ones(1, *images.shape[1:], dtype=torch.float64)).sum()
    flow = sum(float((w.detach() * g).sum()) for w, g in _gradients(output, weights))
    return float(np.log(flow)) if flow > 0 else -np.inf


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:  # noqa: ARG001
    """Log-determinant of how alike the images' patterns of active rectifiers are.

    J. Mellor et al., "Neural Architecture Search without Training", ICML 2021, equations 2 and 3:
    K_ij is the number of rectifiers that treat images i and j alike.
    """
    trial = copy.deepcopy(network).train()
    with torch.no_grad(), _RectifierCounter() as counter:  # type: ignore[no-untyped-call]
        trial(images)
    sign, log_determinant = np.linalg.slogdet(np.atleast_2d(counter.alike))
    return float(log_determinant) if sign > 0 else -np.inf


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum of the norms of the loss's gradients with respect to each layer's weights.

    Abdelfattah et al. (2021), section 3.2.
    """
    trial = copy.deepcopy(network).train()
    loss = nn.functional.cross_entropy(trial(images), labels)
    return sum(float(gradient.norm()) for _, gradient in _gradients(loss, _weights(trial)))


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:  # noqa: ARG001
    """How little the gradients with respect to different images correlate.

    J. Mellor et al., "Neural Architecture Search without Training", version 1 (arXiv 2006.04647v1,
    2020), section 3: minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of the
    correlation matrix.
    """
    trial = copy.deepcopy(network).train()
    given = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(trial(given).sum(), given)
    jacobian = gradient.flatten(1).double().numpy()
    if not np.all(jacobian.std(axis=1) > 0):
        return -np.inf
    values = np.maximum(np.linalg.eigvalsh(np.corrcoef(jacobian)), 0) + _EIGENVALUE_SHIFT
    return -float(np.sum(np.log(values) + 1 / values))


SCORES: Final[Mapping[str, Score]] = {
    "num_params": num_params,
    "mult_adds": mult_adds,
    "synflow": synflow,
    "naswot": naswot,
    "grad_norm": grad_norm,
    "jacob_cov": jacob_cov,
}


class _RectifierCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts, for each pair of images, the rectifiers that treat both alike.

    It sees every rectifier that runs, also those that are no modules.

    Attributes:
        alike: (n, n), float64; zero where no rectifier has run.
    """

    alike: Any = 0.0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in _RELUS:
            active = (result.detach().flatten(1) > 0).double()
            passive = 1 - active
            self.alike = self.alike + (active @ active.T + passive @ passive.T).numpy()
        return result


def _weights(network: nn.Module) -> list[Tensor]:
    """Weights of convolutions and matrices; those of batch norm have one dimension."""
    return [weights for weights in network.parameters() if weights.dim() > 1]


def _gradients(value: Tensor, weights: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Weights that the value depends on, with its gradients."""
    found = torch.autograd.grad(value, weights, allow_unused=True)
    return ((w, g) for w, g in zip(weights, found, strict=True) if g is not None)
