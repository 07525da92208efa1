"""What trainings are compared with: loops as one writes them in plain PyTorch, frozen.

The same networks, losses, optimisers, rates and numbers of samples; pictures lie in memory as one
tensor, so that nothing but a step is timed. Plain: images as (n, c, h, w) all the way, and one
`backward` for each loss, which gives the discriminators gradients that nobody asked for. Careful:
channels_last, and no such gradients. Nothing is watched, checked or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor, nn

from benchmarks.graspgan.trainings import (
    DESCENT,
    GENERATOR,
    NUM_LOOKS,
    NUM_SAMPLES,
    NUM_STATIONS,
    SIDE_PX,
    networks,
    predictor,
)
from tasks.graspgan.networks.content import activation_error, map_loss, pairwise_error
from tasks.graspgan.networks.discriminator import made_loss, real_loss
from tasks.graspgan.networks.domains import SOURCE, TARGET, set_domain
from tasks.graspgan.samples.crops import NUM_MOTION
from tasks.grasping.types import SemanticClass
from tasks.learning.schedule import warmup_cosine

PlainLoop = Callable[[int], None]
"""Goes on for so many steps."""
bce = nn.functional.binary_cross_entropy_with_logits


class Samples:
    """Noise as tensors: pictures in several looks, motion, stations, outcomes and masks."""

    def __init__(self, num_looks: int, memory_format: torch.memory_format) -> None:
        self.memory_format = memory_format
        self.num_looks = num_looks
        shape = (NUM_SAMPLES, SIDE_PX, SIDE_PX)
        self.pictures = torch.randint(0, 256, (num_looks * NUM_SAMPLES, 3, *shape[1:])).byte()
        self.pictures = self.pictures.contiguous(memory_format=memory_format)
        self.motion = torch.randn(NUM_SAMPLES, NUM_MOTION)
        self.station = torch.randint(0, NUM_STATIONS, (NUM_SAMPLES,))
        self.success = (torch.rand(NUM_SAMPLES) < 0.4).float()
        self.classes = torch.randint(0, len(SemanticClass), shape)

    def draw(self, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Pictures (b, 3, s, s), motion, station, success, classes; mirrored by chance."""
        chosen = torch.randint(0, NUM_SAMPLES, (size,))
        look = torch.randint(0, self.num_looks, (size,))
        pictures = self.pictures[look * NUM_SAMPLES + chosen].float() / 127.5 - 1
        motion, classes = self.motion[chosen].clone(), self.classes[chosen]
        for axis, number in ((2, 1), (1, 2)):
            flips = torch.rand(size) < 0.5
            places = flips[:, None, None]
            pictures = torch.where(places[:, None], pictures.flip(axis + 1), pictures)
            classes = torch.where(places, classes.flip(axis), classes)
            motion[:, number] *= 1 - 2 * flips.float()
        pictures = pictures.contiguous(memory_format=self.memory_format)
        return pictures, motion, self.station[chosen], self.success[chosen], classes


def plain_c(*, careful: bool) -> PlainLoop:
    """C on labels of one domain."""
    network = predictor().to(memory_format=_format(careful)).train()
    samples = Samples(NUM_LOOKS, _format(careful))

    def loop(num_steps: int) -> None:
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=DESCENT.learning_rate, weight_decay=DESCENT.weight_decay
        )
        rates = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: warmup_cosine(step / num_steps, DESCENT.warmup_share)
        )
        for _ in range(num_steps):
            pictures, motion, _, success, _ = samples.draw(DESCENT.batch_size)
            loss = bce(network(pictures, motion), success)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rates.step()

    return loop


def plain_graspgan(*, careful: bool) -> PlainLoop:
    """GraspGAN: discriminators first, then generator and C."""
    found, memory_format, size = networks(), _format(careful), GENERATOR.batch_size
    generator, judges, network = found.generator, found.discriminators, found.predictor
    for each in (generator, judges, network):
        each.to(memory_format=memory_format).train()
    source, target = Samples(NUM_LOOKS, memory_format), Samples(1, memory_format)

    def make_loss(drawn: tuple[Tensor, ...], adapted: Tensor, maps: Tensor, look: Tensor) -> Tensor:
        pictures, motion, _, success, classes = drawn
        set_domain(network, SOURCE)
        raw = network.features(pictures, motion)
        set_domain(network, TARGET)
        seen = network.features(adapted, motion)
        task = (bce(network.head(raw)[:, 0], success) + bce(network.head(seen)[:, 0], success)) / 2
        mask = (classes != 0).float()[:, None]
        return (
            GENERATOR.adversarial_weight * real_loss(judges(adapted, look))
            + GENERATOR.task_weight * task
            + GENERATOR.map_weight * map_loss(maps, classes)
            + GENERATOR.pairwise_weight * pairwise_error(adapted, pictures, mask)
            + GENERATOR.feature_weight * activation_error(seen, raw)
        )

    def loop(num_steps: int) -> None:
        makers = [*generator.parameters(), *network.parameters()]
        maker, judge = (
            torch.optim.Adam(each, lr=GENERATOR.learning_rate, betas=(0.5, 0.99))
            for each in (makers, [*judges.parameters()])
        )
        rates = [
            torch.optim.lr_scheduler.LambdaLR(each, lambda step: warmup_cosine(step / num_steps, 0))
            for each in (maker, judge)
        ]
        for _ in range(num_steps):
            drawn, (real, _, look, _, _) = source.draw(size), target.draw(size)
            adapted, maps = generator(drawn[0], look, generator.noise(drawn[0]))
            loss = real_loss(judges(real, look)) + made_loss(judges(adapted.detach(), look))
            judge.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            judge.step()
            judges.requires_grad_(not careful)
            loss = make_loss(drawn, adapted, maps, look)
            maker.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            maker.step()
            judges.requires_grad_(True)
            for rate in rates:
                rate.step()

    return loop


def _format(careful: bool) -> torch.memory_format:
    return torch.channels_last if careful else torch.contiguous_format


PLAIN: Final[Mapping[str, Callable[..., PlainLoop]]] = {"c": plain_c, "generator": plain_graspgan}
