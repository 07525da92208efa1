"""The state of a training on its way, kept so that one that is cut off goes on from there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from tasks.core.errors import ArtifactError
from tasks.learning import parallel
from tasks.learning.curve import Point

_LOG = logging.getLogger(__name__)
_FILE = "checkpoint.pt"

Stateful = nn.Module | torch.optim.Optimizer | np.random.Generator
States = Mapping[str, Any]


class Keeper(Protocol):
    """Where checkpoints are kept; a part of `tasks.core.ports.ItemFolder`."""

    @property
    def path(self) -> Path:
        """Folder for files that are being made."""

    def checkpoint(self) -> Path | None:
        """What was saved last, or None."""

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file in place of the one before."""

    def report(self, metrics: Mapping[str, float], step: int) -> None:
        """Show numbers while the training goes on."""


@dataclass(frozen=True)
class Reached:
    """How far a training is.

    Attributes:
        curve: Its points.
        best: State of its networks at the best of them, where one is chosen.
    """

    curve: tuple[Point, ...] = ()
    best: States = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoints:
    """Saves and loads all that the rest of a training depends on, torch's generators too.

    Attributes:
        keeper: Where they are kept; None: nowhere.
        parts: Networks, optimisers and generators.
        device: ``cpu`` or ``cuda``.
    """

    keeper: Keeper | None
    parts: Mapping[str, Stateful]
    device: str

    def save(self, reached: Reached) -> None:
        """Keep the state; the first process does, for all."""
        if self.keeper is None:
            return
        generators = parallel.of_all(self._generators())
        if parallel.rank() != 0:
            return
        state = {
            "parts": {name: state_of(part) for name, part in self.parts.items()},
            "generators": generators,
            "curve": [asdict(point) for point in reached.curve],
            "best": dict(reached.best),
        }
        torch.save(state, self.keeper.path / _FILE)
        self.keeper.save_checkpoint(self.keeper.path / _FILE)

    def load(self) -> Reached:
        """Go back to the state that was kept last, if there is one.

        Raises:
            ArtifactError: It is of a training with other settings.
        """
        path = self.keeper.checkpoint() if self.keeper else None
        if path is None:
            return Reached()
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            curve = tuple(Point(**point) for point in state["curve"])
        except Exception as error:  # torch raises a dozen kinds of what is damaged
            _LOG.warning("%s is no checkpoint, the training starts anew: %s", path, error)
            return Reached()
        try:
            if state["parts"].keys() != self.parts.keys():
                raise KeyError(f"it has {[*state['parts']]}, not {[*self.parts]}")
            set_states(self.parts, state["parts"])
            generators = state["generators"][parallel.rank()]
        except (RuntimeError, ValueError, LookupError) as error:
            raise of_other_settings(path, error) from error
        for kind, value in generators.items():
            (torch.cuda if kind == "cuda" else torch).set_rng_state(value.cpu())
        return Reached(curve, state["best"])

    def _generators(self) -> dict[str, torch.Tensor]:
        states = {"torch": torch.get_rng_state()}
        return states if self.device == "cpu" else states | {"cuda": torch.cuda.get_rng_state()}


def of_other_settings(path: Path | None, reason: object) -> ArtifactError:
    """What is said of a checkpoint that another training left; it is not touched."""
    return ArtifactError(
        f"{path} is a checkpoint of a training with other settings ({reason}): go on with those, "
        "or give this training a place of its own"
    )


def state_of(part: Stateful) -> Any:
    """The state of a network, an optimiser or a generator."""
    return part.bit_generator.state if isinstance(part, np.random.Generator) else part.state_dict()


def set_states(parts: Mapping[str, Stateful], states: States) -> None:
    """Go back to states that `state_of` gave."""
    for name, state in states.items():
        part = parts[name]
        if isinstance(part, np.random.Generator):
            part.bit_generator.state = state
        else:
            part.load_state_dict(state)


def copied_networks(parts: Mapping[str, Stateful]) -> States:
    """The state of all networks as it is now, whatever becomes of them."""
    return {
        name: {key: value.clone() for key, value in part.state_dict().items()}
        for name, part in parts.items()
        if isinstance(part, nn.Module)
    }
