"""Training of the generator: GraspGAN.

K. Bousmalis et al. (arXiv 1709.07857), section IV-A. In each step the discriminators learn to tell
unlabelled pictures of the target from adapted ones; then generator and C learn together: adapted
pictures shall pass for real ones, keep what they show (`tasks.graspgan.networks.content`) and
still tell whether the grasp succeeds. C sees raw and adapted pictures, each by batch norms of their
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tasks.graspgan.networks.content import activation_error, map_loss, pairwise_error
from tasks.graspgan.networks.discriminator import Discriminators, made_loss, real_loss
from tasks.graspgan.networks.domains import SOURCE, TARGET, set_domain
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.samples.pools import Batch, Pool, draw
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.health import Health
from tasks.graspgan.trainings.predicting import GraspNetwork
from tasks.grasping.types import SemanticClass
from tasks.learning.arithmetic import ArithmeticConfig
from tasks.learning.checkpoints import Keeper, Stateful
from tasks.learning.curve import Point
from tasks.learning.loop import Course, evenly, run
from tasks.learning.parallel import average_gradients
from tasks.learning.schedule import warmup_cosine

_BETAS = (0.5, 0.99)
_FOREGROUND = (SemanticClass.OBJECT, SemanticClass.ARM, SemanticClass.GRIPPER)


@dataclass(frozen=True)
class Networks:
    """What is trained together.

    Attributes:
        generator: Adapts pictures.
        discriminators: Tell adapted ones from real ones.
        predictor: C, trained on simulation before.
    """

    generator: Generator
    discriminators: Discriminators
    predictor: GraspNetwork


@dataclass
class _Learner:
    """All three as `tasks.learning.loop.run` trains them."""

    networks: Networks
    source: Pool
    target: Pool
    config: GeneratorConfig
    rng: np.random.Generator
    health: Health
    arithmetic: ArithmeticConfig
    device: str

    def __post_init__(self) -> None:
        found = self.networks
        self._makers = [*found.generator.parameters(), *found.predictor.parameters()]
        self._judges = [*found.discriminators.parameters()]
        self.maker, self.judge = (
            torch.optim.Adam(each, lr=self.config.learning_rate, betas=_BETAS)
            for each in (self._makers, self._judges)
        )

    @property
    def parts(self) -> Mapping[str, Stateful]:
        return {
            "generator": self.networks.generator,
            "discriminators": self.networks.discriminators,
            "predictor": self.networks.predictor,
            "maker": self.maker,
            "judge": self.judge,
            "rng": self.rng,
        }

    def step(self, index: int) -> Mapping[str, Tensor]:
        for module in (
            self.networks.generator,
            self.networks.discriminators,
            self.networks.predictor,
        ):
            module.train()
        for optimiser in (self.maker, self.judge):
            for group in optimiser.param_groups:
                group["lr"] = self.config.learning_rate * warmup_cosine(
                    index / self.config.num_steps, 0.0
                )
        size = self.config.batch_size
        memory_format = self.arithmetic.memory_format
        source, target = (
            draw(pool, size, self.rng, self.device, memory_format)
            for pool in (self.source, self.target)
        )
        # Each becomes a picture of the station whose textures it shows, else of any.
        wanted = target.station if source.painted is None else source.painted
        generator = self.networks.generator
        with self.arithmetic.autocast(self.device):
            adapted, maps = generator(source.pictures, wanted, generator.noise(source.pictures))
        judged = self._judge(target, adapted.detach(), wanted)
        return judged | self._make(source, adapted, maps, wanted)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002  (all points alike)
        return self.health.figures(self.networks.generator, self.networks.predictor)

    def _judge(self, target: Batch, adapted: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        """Let the discriminators learn."""
        judges = self.networks.discriminators
        with self.arithmetic.autocast(self.device):
            loss = real_loss(judges(target.pictures, target.station)) + made_loss(
                judges(adapted, wanted)
            )
        self._descend(self.judge, self._judges, loss)
        return {"discriminator_loss": loss.detach()}

    def _make(
        self, source: Batch, adapted: Tensor, maps: Tensor, wanted: Tensor
    ) -> dict[str, Tensor]:
        """Let the generator and C learn."""
        with self.arithmetic.autocast(self.device):
            losses, task = self._makers_losses(source, adapted, maps, wanted)
        self._descend(self.maker, self._makers, torch.stack([*losses.values()]).sum())
        raw_task, adapted_task = task.detach()
        found = {name: loss.detach() for name, loss in losses.items()}
        return found | {"task_loss_raw": raw_task, "task_loss_adapted": adapted_task}

    def _makers_losses(
        self, source: Batch, adapted: Tensor, maps: Tensor, wanted: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """What generator and C descend on, weighted; and C's loss on raw and on adapted ones."""
        config, predictor = self.config, self.networks.predictor
        if source.success is None or source.classes is None:
            raise TypeError("the simulation has no labels, or no masks")
        set_domain(predictor, SOURCE)
        raw = predictor.features(source.pictures, source.motion)
        set_domain(predictor, TARGET)
        seen = predictor.features(adapted, source.motion)
        task = torch.stack([_success_loss(predictor, each, source.success) for each in (raw, seen)])
        losses = {
            "adversarial_loss": config.adversarial_weight
            * real_loss(self.networks.discriminators(adapted, wanted)),
            "task_loss": config.task_weight * task.mean(),
            "map_loss": config.map_weight * _map_loss(maps, source.classes),
            "pairwise_loss": config.pairwise_weight
            * _pairwise_loss(adapted, source.pictures, source.classes),
            "feature_loss": config.feature_weight * activation_error(seen, raw),
        }
        return losses, task

    def _descend(
        self, optimiser: torch.optim.Optimizer, weights: list[nn.Parameter], loss: Tensor
    ) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward(inputs=weights)  # type: ignore[no-untyped-call]
        average_gradients(weights)
        optimiser.step()


def train_generator(
    networks: Networks,
    source: Pool,
    target: Pool,
    config: GeneratorConfig,
    seed: int,
    health: Health,
    *,
    arithmetic: ArithmeticConfig = ArithmeticConfig(),  # noqa: B008  (frozen)
    device: str = "cpu",
    keeper: Keeper | None = None,
) -> tuple[Point, ...]:
    """Train generator, discriminators and C together, in place.

    Args:
        networks: On the device, with initial weights.
        source: Simulated samples with labels and masks.
        target: Pictures of the target; nothing else of it is looked at.
        config: How.
        seed: Decides all draws.
        health: What is watched on the way.
        arithmetic: Precision and memory format, of the networks too.
        device: ``cpu`` or ``cuda``.
        keeper: Keeps the state on the way.

    Returns:
        The curve.

    Raises:
        DataError: A loss is not finite.
    """
    rng = np.random.default_rng(seed)
    pictures = target.without_labels
    learner = _Learner(networks, source, pictures, config, rng, health, arithmetic, device)
    course = Course(
        num_steps=config.num_steps,
        points=evenly(config.num_points, config.num_steps),
        seed=seed,
        advice=f"a lower learning_rate than {config.learning_rate:g} may help",
    )
    return run(learner, course, device=device, keeper=keeper)


def _success_loss(predictor: GraspNetwork, features: Tensor, success: Tensor) -> Tensor:
    logits = predictor.head(features)[:, 0]
    return nn.functional.binary_cross_entropy_with_logits(logits, success)


def _map_loss(maps: Tensor, classes: Tensor) -> Tensor:
    """Over the pictures of a sample."""
    logits = maps.chunk(classes.shape[1], dim=1)
    return torch.stack(
        [map_loss(each, classes[:, index]) for index, each in enumerate(logits)]
    ).mean()


def _pairwise_loss(adapted: Tensor, given: Tensor, classes: Tensor) -> Tensor:
    """Objects and arm keep their contrasts, tray and table may get any; by each picture's mask."""
    masks = torch.isin(classes, torch.tensor(_FOREGROUND).to(classes)).to(adapted.dtype)
    num_pictures = classes.shape[1]
    pictures = zip(*(each.chunk(num_pictures, 1) for each in (adapted, given, masks)), strict=True)
    return torch.stack([pairwise_error(*each) for each in pictures]).mean()
