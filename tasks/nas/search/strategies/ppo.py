"""A recurrent controller trained by proximal policy optimisation, as NASNet was searched.

After B. Zoph, V. Vasudevan, J. Shlens, Q. Le, "Learning Transferable Architectures for Scalable
Image Recognition", CVPR 2018, section 3 and appendix A: an LSTM with 100 units makes one softmax
decision after the other, each fed to the next step; a moving average of rewards is the baseline.
The update is that of J. Schulman et al., "Proximal Policy Optimization Algorithms", 2017,
equation 7. Deviations, all for searches of hundreds of children, not 20,000: learning rate and
batch; a reward counts by its rank among all so far, so that neither its unit nor an outlier
decides the step; and the best children so far take part in each update, as in D. Abolafia et al.,
"Neural Program Synthesis with Priority Queue Training", 2018, section 3, but weighted by their
advantages like all others.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tasks.nas.space.decisions import Decisions, DecisionSpace

_INIT_RANGE = 0.1


@dataclass(frozen=True)
class PpoConfig:
    """How the controller learns.

    Attributes:
        num_units: Units of the LSTM.
        batch: Rewards of one update.
        num_epochs: Gradient steps on each batch.
        learning_rate: Adam's.
        clip: How far the ratio of probabilities may leave 1.
        entropy: Weight of the mean entropy of a decision.
        baseline_decay: Share of the old baseline that an update keeps.
        num_replayed: Best children so far that take part in each update.
    """

    num_units: int = 100
    batch: int = 10
    num_epochs: int = 4
    learning_rate: float = 0.01
    clip: float = 0.2
    entropy: float = 1e-3
    baseline_decay: float = 0.8
    num_replayed: int = 5


class Controller(nn.Module):
    """One LSTM over the decisions; decisions of one kind share embedding and head.

    Shapes: B children, D decisions.
    """

    def __init__(self, space: DecisionSpace, num_units: int) -> None:
        """Make a controller that gives nearly uniform decisions.

        Args:
            space: The decisions.
            num_units: Units of the LSTM.
        """
        super().__init__()
        self.space = space
        sizes: dict[str, int] = {}
        for kind, count in zip(space.kinds, space.num_choices, strict=True):
            sizes[kind] = max(count, sizes.get(kind, 0))
        self.cell = nn.LSTMCell(num_units, num_units)
        self.start = nn.Parameter(torch.zeros(num_units))
        self.embeddings = nn.ModuleDict({k: nn.Embedding(n, num_units) for k, n in sizes.items()})
        self.heads = nn.ModuleDict({k: nn.Linear(num_units, n) for k, n in sizes.items()})
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -_INIT_RANGE, _INIT_RANGE)

    def forward(
        self, given: Tensor | None, size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Sample children, or score given ones.

        Args:
            given: Decisions to score, (B, D); None to sample.
            size: B.
            generator: Source of the samples.

        Returns:
            Decisions (B, D), log-probability of each child (B,), mean entropy of its
            decisions (B,).
        """
        hidden = memory = torch.zeros(size, self.cell.hidden_size)
        fed = self.start.expand(size, -1)
        chosen, log_probability, entropy = [], torch.zeros(size), torch.zeros(size)
        steps = zip(self.space.kinds, self.space.num_choices, strict=True)
        for place, (kind, count) in enumerate(steps):
            hidden, memory = self.cell(fed, (hidden, memory))
            logs = torch.log_softmax(self.heads[kind](hidden)[:, :count], dim=1)
            if given is None:
                choice = torch.multinomial(logs.exp(), 1, generator=generator)[:, 0]
            else:
                choice = given[:, place]
            log_probability = log_probability + logs.gather(1, choice[:, None])[:, 0]
            entropy = entropy - (logs.exp() * logs).sum(dim=1)
            fed = self.embeddings[kind](choice)
            chosen.append(choice)
        return torch.stack(chosen, dim=1), log_probability, entropy / len(chosen)


class Ppo:
    """Search by a controller that learns from rewards.

    Attributes:
        is_on_policy: It learns from samples of its own; nothing may choose among its proposals.
    """

    is_on_policy: ClassVar[bool] = True

    def __init__(
        self, space: DecisionSpace, rng: np.random.Generator, config: PpoConfig | None = None
    ) -> None:
        """Begin a search.

        Args:
            space: All children.
            rng: Seeds the controller's weights and samples.
            config: How it learns.
        """
        self._config = config or PpoConfig()
        self._generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            self._controller = Controller(space, self._config.num_units)
        self._optimiser = torch.optim.Adam(
            self._controller.parameters(), self._config.learning_rate
        )
        self._pending: dict[Decisions, deque[float]] = defaultdict(deque)
        self._batch: list[tuple[Decisions, float, float]] = []
        self._baseline = 0.0
        self._rewards: list[float] = []
        self._best: dict[Decisions, float] = {}

    def ask(self) -> Decisions:
        """Sample a child from the controller."""
        with torch.no_grad():
            chosen, log_probability, _ = self._controller(None, 1, self._generator)
        child = tuple(int(choice) for choice in chosen[0])
        self._pending[child].append(float(log_probability[0]))
        return child

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Take in a reward; each full batch is one update.

        Raises:
            ValueError: The child was not asked for.
        """
        if not self._pending.get(child):
            raise ValueError(f"expected a child that was asked for, got {child}")
        log_probability = self._pending[child].popleft()
        if not self._pending[child]:
            del self._pending[child]
        if reward is None:
            return
        self._batch.append((child, log_probability, reward))
        if len(self._batch) == self._config.batch:
            self._update()
            self._batch.clear()

    def _update(self) -> None:
        replayed = self._replayed()
        children = torch.tensor([child for child, _, _ in self._batch] + [*replayed])
        old = torch.tensor([log_probability for _, log_probability, _ in self._batch])
        with torch.no_grad():  # a child that is replayed departs from where the controller is now
            _, now, _ = self._controller(children, len(children))
        old = torch.cat([old, now[len(old) :]])
        advantages = self._advantages([reward for _, _, reward in self._batch], replayed.values())
        for _ in range(self._config.num_epochs):
            _, new, entropy = self._controller(children, len(children))
            gain = clipped_gain(new - old, advantages, self._config.clip)
            loss = -gain - self._config.entropy * entropy.mean()
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()

    def _replayed(self) -> dict[Decisions, float]:
        """The best children so far with their rewards, less those of the batch."""
        known = self._best
        for child, _, reward in self._batch:
            known[child] = max(reward, known.get(child, reward))
        ranked = sorted(known, key=lambda child: -known[child])[: self._config.num_replayed]
        self._best = {child: known[child] for child in ranked}
        batch = {child for child, _, _ in self._batch}
        return {child: reward for child, reward in self._best.items() if child not in batch}

    def _advantages(self, rewards: Sequence[float], replayed: Iterable[float]) -> Tensor:
        """Ranks above the baseline, a moving average, of the batch and of what is replayed."""
        self._rewards += rewards
        ranks = ranks_among(np.array([*rewards, *replayed]), np.array(self._rewards))
        above = ranks - self._baseline
        keep = self._config.baseline_decay
        of_batch = float(ranks[: len(rewards)].mean())
        self._baseline = keep * self._baseline + (1 - keep) * of_batch
        return torch.tensor(above, dtype=torch.float32)


def ranks_among(rewards: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Ranks of rewards, which have mean 0 and deviation 1 if all of them are ranked.

    Args:
        rewards: What is ranked, (n,).
        every: What it is ranked among, (m,); equal ones share a rank.

    Returns:
        (n,), from minus to plus the root of 3.
    """
    ordered = np.sort(every)
    below, upto = (np.searchsorted(ordered, rewards, side) for side in ("left", "right"))
    ranks: np.ndarray = np.sqrt(3) * ((below + upto) / len(every) - 1)
    return ranks


def clipped_gain(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Mean clipped surrogate objective, equation 7 of Schulman et al.

    Args:
        log_ratio: Log of new over old probability of each child, (B,).
        advantages: Rewards above the baseline, (B,).
        clip: How far a ratio may leave 1 and still gain.
    """
    ratio = torch.exp(log_ratio)
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return torch.minimum(ratio * advantages, clipped * advantages).mean()
