"""What trainings are compared with: loops as one writes them in plain PyTorch, frozen.

The same networks, losses, optimisers, rates and numbers of samples, mirrored by chance; C is also
asked what its cells hold. Pictures lie in memory as one tensor, so that nothing but a step is
timed, and what a loop has no use for is not drawn. Plain: images as (n, c, h, w) all the way, and
one `backward` for each loss, which gives the discriminators gradients that nobody asked for.
Careful: channels_last, and no such gradients. Nothing is watched, checked or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

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
from tasks.graspgan.networks.grasp_networks import cells_of
from tasks.graspgan.samples.crops import NUM_MOTION
from tasks.grasping.types import SemanticClass
from tasks.learning.schedule import warmup_cosine

PlainLoop = Callable[[int], float]
"""Goes on for so many steps; returns the mean of their losses."""
bce = nn.functional.binary_cross_entropy_with_logits


class Drawn(NamedTuple):
    """A batch of simulation.

    Attributes:
        pictures: (b, 3, s, s), grey values from -1 to 1.
        motion: (b, m).
        success: (b,).
        classes: (b, s, s), int64.
        heights_m: (b, s, s); None where nobody asks for them.
    """

    pictures: Tensor
    motion: Tensor
    success: Tensor
    classes: Tensor
    heights_m: Tensor | None


class Samples:
    """Noise as tensors: pictures in several looks, motion, stations, outcomes, masks, heights."""

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
        self.heights_m = (0.1 * torch.rand(shape)).half()

    def draw(self, size: int, *, with_heights: bool) -> Drawn:
        """A batch of simulation."""
        chosen, flips = torch.randint(0, NUM_SAMPLES, (size,)), torch.rand(2, size) < 0.5
        motion = self.motion[chosen]
        motion[:, 1:3] *= 1 - 2 * flips.T.float()
        heights_m = _mirrored(self.heights_m[chosen].float(), flips) if with_heights else None
        classes = _mirrored(self.classes[chosen], flips)
        return Drawn(self._seen(chosen, flips), motion, self.success[chosen], classes, heights_m)

    def draw_pictures(self, size: int) -> tuple[Tensor, Tensor]:
        """A batch of a target without labels: pictures and stations, (b,)."""
        chosen, flips = torch.randint(0, NUM_SAMPLES, (size,)), torch.rand(2, size) < 0.5
        return self._seen(chosen, flips), self.station[chosen]

    def _seen(self, chosen: Tensor, flips: Tensor) -> Tensor:
        look = torch.randint(0, self.num_looks, chosen.shape)
        pictures = self.pictures[look * NUM_SAMPLES + chosen].float() / 127.5 - 1
        return _mirrored(pictures, flips).contiguous(memory_format=self.memory_format)


def _mirrored(maps: Tensor, flips: Tensor) -> Tensor:
    """Maps (b, …, s, s), some of them left and right, some up and down."""
    for axis, chosen in ((-1, flips[0]), (-2, flips[1])):
        places = chosen.view(-1, *(1,) * (maps.ndim - 1))
        maps = torch.where(places, maps.flip(axis), maps)
    return maps


def plain_c(*, careful: bool) -> PlainLoop:
    """C on labels of one domain."""
    network = predictor().to(memory_format=_format(careful)).train()
    samples = Samples(NUM_LOOKS, _format(careful))

    def loop(num_steps: int) -> float:
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=DESCENT.learning_rate, weight_decay=DESCENT.weight_decay
        )
        rates = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: warmup_cosine(step / num_steps, DESCENT.warmup_share)
        )
        losses = []
        for _ in range(num_steps):
            drawn = samples.draw(DESCENT.batch_size, with_heights=True)
            seen, cells = network.seen_in(drawn.pictures, drawn.motion)
            loss = bce(network.head(seen)[:, 0], drawn.success)
            truth = cells_of(drawn.classes, drawn.heights_m)  # type: ignore[arg-type]
            loss = loss + DESCENT.cell_weight * nn.functional.mse_loss(cells, truth)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rates.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    return loop


def plain_graspgan(*, careful: bool) -> PlainLoop:
    """GraspGAN: discriminators first, then generator and C."""
    found, memory_format, size = networks(), _format(careful), GENERATOR.batch_size
    generator, judges, network = found.generator, found.discriminators, found.predictor
    for each in (generator, judges, network):
        each.to(memory_format=memory_format).train()
    source, target = Samples(NUM_LOOKS, memory_format), Samples(1, memory_format)

    def make_loss(drawn: Drawn, adapted: Tensor, maps: Tensor, look: Tensor) -> Tensor:
        set_domain(network, SOURCE)
        raw = network.features(drawn.pictures, drawn.motion)
        set_domain(network, TARGET)
        seen = network.features(adapted, drawn.motion)
        success = drawn.success
        task = (bce(network.head(raw)[:, 0], success) + bce(network.head(seen)[:, 0], success)) / 2
        mask = (drawn.classes >= SemanticClass.OBJECT).float()[:, None]  # arm and gripper, too
        return (
            GENERATOR.adversarial_weight * real_loss(judges(adapted, look))
            + GENERATOR.task_weight * task
            + GENERATOR.map_weight * map_loss(maps, drawn.classes)
            + GENERATOR.pairwise_weight * pairwise_error(adapted, drawn.pictures, mask)
            + GENERATOR.feature_weight * activation_error(seen, raw)
        )

    def loop(num_steps: int) -> float:
        makers = [*generator.parameters(), *network.parameters()]
        maker, judge = (
            torch.optim.Adam(each, lr=GENERATOR.learning_rate, betas=(0.5, 0.99))
            for each in (makers, [*judges.parameters()])
        )
        rates = [
            torch.optim.lr_scheduler.LambdaLR(each, lambda step: warmup_cosine(step / num_steps, 0))
            for each in (maker, judge)
        ]
        losses = []
        for _ in range(num_steps):
            drawn, (real, look) = source.draw(size, with_heights=False), target.draw_pictures(size)
            adapted, maps = generator(drawn.pictures, look, generator.noise(drawn.pictures))
            told = real_loss(judges(real, look)) + made_loss(judges(adapted.detach(), look))
            judge.zero_grad()
            told.backward()  # type: ignore[no-untyped-call]
            judge.step()
            judges.requires_grad_(not careful)
            loss = make_loss(drawn, adapted, maps, look)
            maker.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            maker.step()
            judges.requires_grad_(True)
            for rate in rates:
                rate.step()
            losses.append(told.detach() + loss.detach())
        return float(torch.stack(losses).mean())

    return loop


def _format(careful: bool) -> torch.memory_format:
    return torch.channels_last if careful else torch.contiguous_format


PLAIN: Final[Mapping[str, Callable[..., PlainLoop]]] = {"c": plain_c, "generator": plain_graspgan}
