"""Training of C: on labels of one domain or two, with or without a classifier of domains.

The loss is the cross entropy of success; a second pool without labels takes part through the
domain classifier alone, whose gradient is reversed (`tasks.graspgan.networks.domains`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tasks.graspgan.networks.domains import (
    SOURCE,
    TARGET,
    DomainClassifier,
    reversal_weight,
    reverse_gradient,
    set_domain,
)
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.pools import Batch, Pool, draw, in_order
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.learning.arithmetic import ArithmeticConfig
from tasks.learning.checkpoints import Keeper, Stateful
from tasks.learning.curve import Choice, Point
from tasks.learning.loop import Course, evenly, run
from tasks.learning.parallel import average_gradients
from tasks.learning.schedule import warmup_cosine

GraspNetwork = CropNetwork | PictureNetwork
_LOOK_BATCH = 500
CHOSEN_BY = "validation_auc"


@dataclass(frozen=True)
class Lesson:
    """What C is trained on.

    Attributes:
        labelled: Pools with labels, with the domain whose batch norms each takes.
        unlabelled: Of the target, for the domain classifier; None without one.
        adversary: How domains are confused.
    """

    labelled: tuple[tuple[Pool, int], ...]
    unlabelled: Pool | None = None
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)


@dataclass
class _Learner:
    """C as `tasks.learning.loop.run` trains it."""

    network: GraspNetwork
    lesson: Lesson
    config: DescentConfig
    rng: np.random.Generator
    validate: Callable[[], Mapping[str, float]]
    arithmetic: ArithmeticConfig
    device: str

    def __post_init__(self) -> None:
        self.judge = DomainClassifier(self.network.num_features).to(self.device)
        self._weights = [*self.network.parameters()]
        if self.lesson.unlabelled is not None:
            self._weights += self.judge.parameters()
        self.optimiser = torch.optim.AdamW(
            self._weights, lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )

    @property
    def parts(self) -> Mapping[str, Stateful]:
        return {
            "network": self.network,
            "judge": self.judge,
            "optimiser": self.optimiser,
            "rng": self.rng,
        }

    def step(self, index: int) -> Mapping[str, Tensor]:
        self.network.train()
        progress = index / self.config.num_steps
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * warmup_cosine(
                progress, self.config.warmup_share
            )
        with self.arithmetic.autocast(self.device):
            losses = self._task() | self._confusion(progress)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        average_gradients(self._weights)
        self.optimiser.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002  (all points alike)
        return self.validate()

    def _task(self) -> dict[str, Tensor]:
        losses = []
        for pool, domain in self.lesson.labelled:
            batch = self._draw(pool)
            if batch.success is None:
                raise TypeError("a pool of labels has none")
            logits = set_domain(self.network, domain)(batch.pictures, batch.motion)
            losses.append(nn.functional.binary_cross_entropy_with_logits(logits, batch.success))
        return {"loss": torch.stack(losses).mean()}

    def _confusion(self, progress: float) -> dict[str, Tensor]:
        if self.lesson.unlabelled is None:
            return {}
        adversary = self.lesson.adversary
        weight = reversal_weight(progress, adversary.weight)
        losses = []
        for pool, domain in (
            (self.lesson.labelled[0][0], SOURCE),
            (self.lesson.unlabelled, TARGET),
        ):
            batch = self._draw(pool)
            set_domain(self.network, domain if adversary.own_norms else SOURCE)
            features = self.network.features(batch.pictures, batch.motion)
            said = self.judge(reverse_gradient(features, weight))
            wanted = torch.full_like(said, float(domain))
            losses.append(nn.functional.binary_cross_entropy_with_logits(said, wanted))
        return {"domain_loss": torch.stack(losses).mean()}

    def _draw(self, pool: Pool) -> Batch:
        memory_format = self.arithmetic.memory_format
        return draw(pool, self.config.batch_size, self.rng, self.device, memory_format)


def train_predictor(
    network: GraspNetwork,
    lesson: Lesson,
    config: DescentConfig,
    seed: int,
    validate: Callable[[], Mapping[str, float]],
    *,
    arithmetic: ArithmeticConfig = ArithmeticConfig(),  # noqa: B008  (frozen)
    device: str = "cpu",
    keeper: Keeper | None = None,
) -> tuple[Point, ...]:
    """Train C in place, and leave it as it was at the best point of validation.

    Args:
        network: On the device, with initial weights.
        lesson: What it is trained on.
        config: How.
        seed: Decides draws and the domain classifier's weights.
        validate: Figures of a validation split, ``validation_auc`` among them; may set evaluation
            mode and domain.
        arithmetic: Precision and memory format, of the network too.
        device: ``cpu`` or ``cuda``.
        keeper: Keeps the state on the way.

    Returns:
        The curve.

    Raises:
        DataError: The loss is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        learner = _Learner(network, lesson, config, rng, validate, arithmetic, device)
    course = Course(
        num_steps=config.num_steps,
        points=evenly(config.num_points, config.num_steps),
        seed=seed,
        choice=Choice(CHOSEN_BY, config.patience),
        advice=f"a lower learning_rate than {config.learning_rate:g} may help",
    )
    return run(learner, course, device=device, keeper=keeper)


@torch.no_grad()
def scores(
    network: GraspNetwork, pool: Pool, domain: int, device: str = "cpu", variant: int = 0
) -> npt.NDArray[np.float64]:
    """Logits of success of all samples of a pool, in one of their looks, (n,)."""
    set_domain(network, domain).eval()
    found = [
        network(batch.pictures, batch.motion).double().cpu().numpy()
        for batch in in_order(pool, _LOOK_BATCH, device, variant)
    ]
    return np.concatenate(found)
