"""A training of a line with dropout, small and dependent on every generator; and its keeper."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.learning.checkpoints import Stateful
from tasks.learning.parallel import average_gradients, share

NUM_INPUTS, BATCH = 4, 8


class Folder:
    """A keeper in a local folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept = path / "kept.pt"
        self.reports: dict[int, Mapping[str, float]] = {}

    def checkpoint(self) -> Path | None:
        return self._kept if self._kept.exists() else None

    def save_checkpoint(self, path: Path) -> None:
        shutil.move(path, self._kept)

    def report(self, metrics: Mapping[str, float], step: int, **pictures: object) -> None:
        self.reports[step] = metrics


def _network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(NUM_INPUTS, 16), nn.ReLU(), nn.Linear(16, 1))


@dataclass
class Line:
    """Learns the sum of its inputs.

    Attributes:
        dropout: Share of inputs that torch's generator drops.
        before_step: Called with the index of each step.
        values: What is reported after so many steps.
        network: What learns.
    """

    dropout: float = 0.2
    before_step: Callable[[int], None] = lambda _: None
    values: Callable[[int], Mapping[str, float]] = lambda _: {}
    network: nn.Module = field(default_factory=_network)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9)

    @property
    def parts(self) -> Mapping[str, Stateful]:
        return {"network": self.network, "optimiser": self.optimiser, "rng": self.rng}

    def step(self, index: int) -> Mapping[str, Tensor]:
        self.before_step(index)
        drawn = torch.from_numpy(self.rng.normal(size=(BATCH, NUM_INPUTS)).astype(np.float32))
        inputs = drawn[share(BATCH)]
        given = nn.functional.dropout(inputs, self.dropout)
        loss = (self.network(given)[:, 0] - inputs.sum(dim=1)).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        average_gradients(self.network.parameters())
        self.optimiser.step()
        return {"loss": loss.detach()}

    def report(self, step: int) -> Mapping[str, float]:
        return self.values(step)

    def weights(self) -> Tensor:
        """All weights, (n,)."""
        return torch.cat([each.detach().flatten() for each in self.network.parameters()])
