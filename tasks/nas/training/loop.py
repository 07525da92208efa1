"""Trains one network and scores it: float32 on a CPU, mixed precision on a GPU.

On a CPU the network is brought to channel-major layout, in which the small maps of children cost
least; on a GPU to channels_last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

# Optimisers load it when the first is made: here that is not yet part of an item, whose time and
# memory are limited.
import torch._dynamo
from torch import Tensor, nn

from tasks.learning.checkpoints import Keeper, Stateful
from tasks.learning.loop import Course, epochs, run
from tasks.learning.parallel import average_gradients
from tasks.learning.schedule import warmup_cosine
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.models.layout.channel_major import ChannelMajor
from tasks.nas.models.layout.kernels.loading import load_kernels
from tasks.nas.models.network import CellNetwork
from tasks.nas.training.batches import epoch_batches, num_steps
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.memory import keep_freed_memory
from tasks.nas.training.standard import Standard

load_kernels()  # before an item's limits too: a compiler that one interrupts is spoilt

_EVALUATION_BATCH = 500
_VALUE = "value"  # what `on_epoch` returned, among the values of a curve's point


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        train_loss: Mean loss of the last epoch.
        curve: What `on_epoch` returned after each epoch.
    """

    train_loss: float
    curve: tuple[float, ...]


@dataclass
class _Classifier:
    """A classifier as `tasks.learning.loop.run` trains it."""

    network: nn.Module
    optimiser: torch.optim.SGD
    rng: np.random.Generator
    images: LabelledImages
    standard: Standard
    config: TrainingConfig
    device: str
    on_epoch: Callable[[], float] | None
    _batches: Iterator[tuple[Tensor, Tensor]] = field(default_factory=lambda: iter(()))

    @property
    def epoch_steps(self) -> int:
        return num_steps(len(self.images), self.config)

    @property
    def parts(self) -> Mapping[str, Stateful]:
        return {"network": self.network, "optimiser": self.optimiser, "rng": self.rng}

    def step(self, index: int) -> Mapping[str, Tensor]:
        config, num_epochs = self.config, self.config.num_epochs
        if index % self.epoch_steps == 0:
            self.network.train()
            schedule_paths(self.network, index // self.epoch_steps / max(1, num_epochs - 1))
            drawn = self.images, self.standard, config, self.rng, self.device
            self._batches = epoch_batches(*drawn)
        set_rate(self.optimiser, config, (index + 0.5) / (num_epochs * self.epoch_steps))
        return {"loss": step(self.network, self.optimiser, *next(self._batches), config)}

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002  (each epoch alike)
        return {} if self.on_epoch is None else {_VALUE: self.on_epoch()}


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
    keep_freed_memory()
    optimiser, rng = gathering_optimiser(network, config), np.random.default_rng(seed)
    learner = _Classifier(network, optimiser, rng, images, standard, config, device, on_epoch)
    num_all = config.num_epochs * learner.epoch_steps
    advice = f"a lower learning_rate than {config.learning_rate:g} may help"
    points = epochs(config.num_epochs, learner.epoch_steps)
    curve = run(learner, Course(num_all, points, seed, advice=advice), device=device, keeper=keeper)
    values = [point.values[_VALUE] for point in curve if on_epoch is not None]
    return Trained(curve[-1].losses["loss"], tuple(values))


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
    average_gradients(w for group in optimiser.param_groups for w in group["params"])
    optimiser.step()
    return loss.detach()


def schedule_paths(network: Any, progress: float) -> None:
    """Set how often paths are dropped, in networks of cells."""
    if hasattr(network, "schedule_drop_path"):
        network.schedule_drop_path(progress)


def _loss(network: Any, images: Tensor, labels: Tensor, config: TrainingConfig) -> Tensor:
    def cross_entropy(logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)

    if not config.auxiliary_weight or getattr(network, "auxiliary", None) is None:
        return cross_entropy(network(images))
    logits, auxiliary = network.forward_with_auxiliary(images)
    return cross_entropy(logits) + config.auxiliary_weight * cross_entropy(auxiliary)
