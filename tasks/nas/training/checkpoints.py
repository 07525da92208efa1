"""The state of a training on its way, kept so that one that is cut off goes on from there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

_LOG = logging.getLogger(__name__)
_FILE = "checkpoint.pt"


class Keeper(Protocol):
    """Where checkpoints are kept; a part of `tasks.core.ports.ItemFolder`."""

    @property
    def path(self) -> Path:
        """Folder for files that are being made."""

    def checkpoint(self) -> Path | None:
        """What was saved last, or None."""

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file in place of the one before."""


@dataclass(frozen=True)
class Reached:
    """How far a training is.

    Attributes:
        num_done: Epochs that are done; of a detector's training, steps.
        loss: Mean loss of the last one, or since the report before.
        curve: What was reported on the way; numbers, or rows of them.
    """

    num_done: int
    loss: float
    curve: tuple[Any, ...]


@dataclass(frozen=True)
class Checkpoints:
    """Saves and loads all that the rest of a training depends on: generators, too.

    Attributes:
        keeper: Where they are kept.
        network: What is trained.
        optimiser: What trains it.
        rng: Order and augmentation; None where they are drawn anew from the beginning.
        device: ``cpu`` or ``cuda``.
    """

    keeper: Keeper
    network: nn.Module
    optimiser: torch.optim.Optimizer
    rng: np.random.Generator | None
    device: str

    def save(self, num_done: int, loss: float, curve: Sequence[Any]) -> None:
        """Keep the state; see `Reached`."""
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng and self.rng.bit_generator.state,
            "torch": torch.get_rng_state(),
            "reached": [num_done, loss, list(curve)],
        }
        if self.device != "cpu":
            state["cuda"] = torch.cuda.get_rng_state()
        torch.save(state, self.keeper.path / _FILE)
        self.keeper.save_checkpoint(self.keeper.path / _FILE)

    def load(self) -> Reached | None:
        """Go back to the state that was kept last; None if there is none."""
        path = self.keeper.checkpoint()
        if path is None:
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as error:  # torch raises a dozen kinds of what is damaged
            _LOG.warning("%s is no checkpoint, the training starts anew: %s", path, error)
            return None
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.rng is not None:
            self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch"].cpu())
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"].cpu())
        num_done, loss, curve = state["reached"]
        return Reached(num_done, loss, tuple(curve))
