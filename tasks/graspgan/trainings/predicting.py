"""Training of C: on labels of one domain or two, with or without a classifier of domains.

The loss is the cross entropy of success, and for crops whose masks and heights simulation knows the
squared error of what their cells hold: of 4,800 attempts the outcome alone teaches less than an
oracle's mask tells. A second pool without labels takes part through the domain classifier alone,
whose gradient is reversed (`tasks.graspgan.networks.domains`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tasks.graspgan.networks.domains import (
    DomainClassifier,
    reversal_weight,
    reverse_gradient,
    set_domain,
)
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork, cells_of
from tasks.graspgan.samples.pools import Batch, Pool, draw_evenly, in_order
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.learning.arithmetic import ArithmeticConfig
from tasks.learning.checkpoints import Keeper, Stateful
from tasks.learning.curve import Choice, Point
from tasks.learning.loop import Course, evenly, run
from tasks.learning.parallel import average_gradients
from tasks.learning.schedule import warmup_cosine

GraspNetwork = CropNetwork | PictureNetwork
_LOOK_BATCH = 128  # its maps stay in the cache: larger ones took twice as long a sample
_FEWEST = 4  # samples of a domain in a step, below which its norms say nothing
CHOSEN_BY = "validation_auc"


@dataclass(frozen=True)
class Lesson:
    """What C is trained on.

    Attributes:
        labelled: Pools with labels, with the domain whose batch norms each takes.
        unlabelled: Of the target, for the domain classifier, with the domain alike; None without.
        adversary: How domains are confused.
    """

    labelled: tuple[tuple[Pool, int], ...]
    unlabelled: tuple[Pool, int] | None = None
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
            losses = self._losses(reversal_weight(progress, self.lesson.adversary.weight))
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        average_gradients(self._weights)
        self.optimiser.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002  (all points alike)
        return self.validate()

    def _losses(self, weight: float) -> dict[str, Tensor]:
        """Of predicting success and, with a reversed gradient, of telling domains apart.

        Pools of one domain make one batch, which its norms see as a whole. A step takes as many
        labelled samples however many pools and domains they come from, so that what is compared
        has seen as many; of the unlabelled domain as many again.
        """
        by_domain: dict[int, list[Pool]] = {}
        for pool, domain in self.lesson.labelled:
            by_domain.setdefault(domain, []).append(pool)
        losses, told, features = [], list[Tensor](), list[Tensor]()
        num = max(_FEWEST, self.config.batch_size // len(by_domain))
        for domain, pools in by_domain.items():
            batch = self._drawn(pools, domain, num)
            if batch.success is None:
                raise TypeError("a pool of labels has none")
            seen, cells = self.network.seen_in(batch.pictures, batch.motion)
            losses.append(_cross_entropy(self.network.head(seen)[:, 0], batch.success))
            if cells is not None and batch.classes is not None and batch.heights_m is not None:
                truth = cells_of(batch.classes[:, 0], batch.heights_m)
                told.append(nn.functional.mse_loss(cells, truth))
            features.append(seen)
        found = {"loss": torch.stack(losses).mean()}
        if told:
            found["cell_loss"] = self.config.cell_weight * torch.stack(told).mean()
        if self.lesson.unlabelled is None:
            return found
        pool, domain = self.lesson.unlabelled
        batch = self._drawn([pool], domain, len(features[0]))
        ends = features[0], self.network.features(batch.pictures, batch.motion)
        said = [self.judge(reverse_gradient(each, weight)) for each in ends]
        wanted = torch.zeros_like(said[0]), torch.ones_like(said[1])
        errors = [_cross_entropy(*each) for each in zip(said, wanted, strict=True)]
        return found | {"domain_loss": torch.stack(errors).mean()}

    def _drawn(self, pools: Sequence[Pool], domain: int, num: int) -> Batch:
        """A batch of a domain, whose norms serve from now on."""
        set_domain(self.network, domain)
        return draw_evenly(pools, num, self.rng, self.device, self.arithmetic.memory_format)


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


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, wanted)


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
