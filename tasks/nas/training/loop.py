"""Trains one network and scores it: float32 on a CPU, mixed precision on a GPU.

On a CPU the network is brought to channel-major layout, in which the small maps of children cost
least; on a GPU to channels_last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# Optimisers load it when the first is made: here that is not yet part of an item, whose time and
# memory are limited.
import torch._dynamo
from torch import Tensor, nn

from tasks.core.errors import DataError
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.models.layout.channel_major import ChannelMajor
from tasks.nas.models.network import CellNetwork
from tasks.nas.training.batches import epoch_batches, num_steps
from tasks.nas.training.checkpoints import Checkpoints, Keeper, Reached
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.schedule import warmup_cosine
from tasks.nas.training.standard import Standard

_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        train_loss: Mean loss of the last epoch.
        curve: What `on_epoch` returned after each epoch.
    """

    train_loss: float
    curve: tuple[float, ...]


def train(
    network: nn.Module,
    images: LabelledImages,
    standard: Standard,
    config: TrainingConfig,
    seed: int,
    *,
    device: str = "cpu",
    on_epoch: Callable[[], float] | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Train a network in place.

    Args:
        network: Classifier with initial weights, on the device.
        images: What it is trained on.
        standard: How they are standardised.
        config: How it is trained.
        seed: Decides order, augmentation, dropout and dropped paths.
        device: ``cpu`` or ``cuda``.
        on_epoch: Called after each epoch, e.g. to validate.
        keeper: Keeps the state after each epoch; a training that was cut off goes on from there,
            to the same weights.

    Raises:
        DataError: The loss is not finite.
    """
    rng = np.random.default_rng(seed)
    optimiser = gathering_optimiser(network, config)
    total = config.num_epochs * num_steps(len(images), config)
    with torch.random.fork_rng(enabled=device == "cpu", devices=[]):
        torch.manual_seed(seed)
        kept = Checkpoints(keeper, network, optimiser, rng, device) if keeper else None
        reached = (kept and kept.load()) or Reached(0, math.nan, ())
        curve, loss = list(reached.curve), reached.loss
        for epoch in range(reached.num_done, config.num_epochs):
            network.train()
            schedule_paths(network, epoch / max(1, config.num_epochs - 1))
            done = epoch * num_steps(len(images), config)
            losses: list[Tensor] = []
            for batch, labels in epoch_batches(images, standard, config, rng, device):
                set_rate(optimiser, config, (done + len(losses) + 0.5) / total)
                losses.append(step(network, optimiser, batch, labels, config))
            loss = float(torch.stack(losses).mean())
            check_finite(loss, epoch, config)
            if on_epoch is not None:
                curve.append(on_epoch())
            if kept is not None:
                kept.save(epoch + 1, loss, curve)
    return Trained(loss, tuple(curve))


def accuracy(
    network: nn.Module, images: LabelledImages, standard: Standard, device: str = "cpu"
) -> float:
    """Share of images that a network classifies rightly, of 1."""
    network.eval()
    num_right = 0
    with torch.inference_mode():
        for begin in range(0, len(images), _EVALUATION_BATCH):
            part = images[begin : begin + _EVALUATION_BATCH]
            logits = network(standard.tensor(part.pixels, device))
            num_right += int((logits.argmax(dim=1).cpu().numpy() == part.labels).sum())
    return num_right / len(images)


def make_optimiser(network: nn.Module, config: TrainingConfig) -> torch.optim.SGD:
    """Stochastic gradient descent that decays matrices, but neither norms nor biases."""
    weights = [each for each in network.parameters() if each.requires_grad]
    return _descent([(each, each.dim() > 1) for each in weights], config)


def gathering_optimiser(network: nn.Module, config: TrainingConfig) -> torch.optim.SGD:
    """The same, for weights that are brought into few tensors where a program runs them."""
    runner = getattr(network, "runner", None)
    if isinstance(runner, ChannelMajor) and isinstance(network, CellNetwork):
        return _descent(runner.gather(network), config)
    return make_optimiser(network, config)


def _descent(
    weights: Sequence[tuple[nn.Parameter, bool]], config: TrainingConfig
) -> torch.optim.SGD:
    groups = [
        {"params": [w for w, decays in weights if decays], "weight_decay": config.weight_decay},
        {"params": [w for w, decays in weights if not decays], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        fused=True,
    )


def rate(config: TrainingConfig, progress: float) -> float:
    """Learning rate at a moment of training.

    Args:
        config: Peak and warm-up.
        progress: Share of the steps that are done, 0 to 1.
    """
    return config.learning_rate * warmup_cosine(progress, config.warmup_share)


def set_rate(optimiser: torch.optim.SGD, config: TrainingConfig, progress: float) -> None:
    """Set the learning rate for a moment of training."""
    for group in optimiser.param_groups:
        group["lr"] = rate(config, progress)


def step(
    network: nn.Module,
    optimiser: torch.optim.SGD,
    images: Tensor,
    labels: Tensor,
    config: TrainingConfig,
) -> Tensor:
    """One step of descent; returns the loss, detached."""
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cuda", torch.bfloat16, enabled=images.is_cuda):
        loss = _loss(network, images, labels, config)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.detach()


def schedule_paths(network: Any, progress: float) -> None:
    """Set how often paths are dropped, in networks of cells."""
    if hasattr(network, "schedule_drop_path"):
        network.schedule_drop_path(progress)


def check_finite(loss: float, epoch: int, config: TrainingConfig) -> None:
    """Make sure that a training goes on.

    Raises:
        DataError: The loss is not finite.
    """
    if not math.isfinite(loss):
        raise DataError(
            f"diverged: the mean loss of epoch {epoch + 1} of {config.num_epochs} is {loss}; "
            f"a lower learning_rate than {config.learning_rate:g} may help"
        )


def _loss(network: Any, images: Tensor, labels: Tensor, config: TrainingConfig) -> Tensor:
    def cross_entropy(logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)

    if not config.auxiliary_weight or getattr(network, "auxiliary", None) is None:
        return cross_entropy(network(images))
    logits, auxiliary = network.forward_with_auxiliary(images)
    return cross_entropy(logits) + config.auxiliary_weight * cross_entropy(auxiliary)
