"""Trains a detector, scores it on the way, and says what it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tasks.learning.checkpoints import Keeper, Stateful
from tasks.learning.curve import Point
from tasks.learning.loop import Course, evenly, run
from tasks.learning.parallel import average_gradients, share
from tasks.learning.schedule import warmup_cosine
from tasks.nas.detection.config import DetectorTrainingConfig
from tasks.nas.detection.types import AnnotatedImages, Detections, Objects

_BATCH = 16  # images that are looked at together without training


@dataclass
class _Learner:
    """A detector as `tasks.learning.loop.run` trains it."""

    detector: nn.Module
    optimizer: torch.optim.AdamW
    images: AnnotatedImages
    config: DetectorTrainingConfig
    seed: int
    scores: Callable[[int], Mapping[str, float]]
    device: str
    _batches: Iterator[list[tuple[int, bool]]] | None = None

    @property
    def parts(self) -> Mapping[str, Stateful]:
        return {"detector": self.detector, "optimizer": self.optimizer}

    def step(self, index: int) -> Mapping[str, Tensor]:
        if self._batches is None:
            drawn = _batches(len(self.images), self.config, self.seed)
            self._batches = islice(drawn, index, None)
        batch = _targets(self.images, next(self._batches), self.device)
        return {"loss": _step(self.detector, self.optimizer, batch, self.config, index)}

    def report(self, step: int) -> Mapping[str, float]:
        return self.scores(step)


def train_detector(
    detector: nn.Module,
    images: AnnotatedImages,
    config: DetectorTrainingConfig,
    seed: int,
    scores: Callable[[int], Mapping[str, float]],
    device: str = "cpu",
    keeper: Keeper | None = None,
) -> tuple[Point, ...]:
    """Train a detector by AdamW with a linear warm-up and a cosine to zero.

    Args:
        detector: Maps images and targets to losses; see `tasks.nas.detection.backbone`. Its
            sampling of proposals draws from torch's global generator, which is seeded here.
        images: What it is trained on. Images without objects teach the background.
        config: How.
        seed: Decides the order of images, mirrorings and sampling.
        scores: Called with the number of steps, ``config.num_evaluations`` times, evenly; may set
            evaluation mode.
        device: ``cpu`` or ``cuda``; the detector is there.
        keeper: Keeps the state after each call; one that was cut off goes on from there.

    Returns:
        The curve, of ``loss`` and what ``scores`` returned.

    Raises:
        DataError: The loss is not a finite number any more.
    """
    optimizer = torch.optim.AdamW(detector.parameters(), weight_decay=config.weight_decay)
    learner = _Learner(detector, optimizer, images, config, seed, scores, device)
    course = Course(
        num_steps=config.num_steps,
        points=evenly(config.num_evaluations, config.num_steps),
        seed=seed,
        advice=f"lower the learning rate ({config.learning_rate:g}) or warm up longer",
    )
    return run(learner, course, device=device, keeper=keeper)


def detect(
    detector: nn.Module, images: npt.NDArray[np.uint8], device: str = "cpu"
) -> list[Detections]:
    """Say what a detector sees in each image of uint8 (n, side, side, 3)."""
    detector.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            batch = [_tensor(image, device) for image in images[start : start + _BATCH]]
            found += [
                Detections(
                    each["boxes"].cpu().numpy(),
                    each["labels"].cpu().numpy() - 1,
                    each["scores"].cpu().numpy(),
                )
                for each in detector(batch)
            ]
    return found


def _step(
    detector: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: tuple[list[Tensor], list[dict[str, Tensor]]],
    config: DetectorTrainingConfig,
    index: int,
) -> Tensor:
    detector.train()
    optimizer.param_groups[0]["lr"] = config.learning_rate * _factor(index, config)
    losses = detector(*batch)
    loss = torch.stack(list(losses.values())).sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    average_gradients(detector.parameters())
    nn.utils.clip_grad_norm_(detector.parameters(), config.clip_norm)
    optimizer.step()
    return loss.detach()


def _factor(step: int, config: DetectorTrainingConfig) -> float:
    """Learning rate of a step, of its peak; a step of the warm-up has the rate of its end."""
    warmup = max(1, round(config.warmup_share * config.num_steps))
    return warmup_cosine(max(step, min(step + 1, warmup)), warmup, config.num_steps)


def _batches(
    num_images: int, config: DetectorTrainingConfig, seed: int
) -> Iterator[list[tuple[int, bool]]]:
    """For each step this process's images, and whether each is mirrored; all once an epoch."""
    rng = np.random.default_rng(seed)
    order: list[int] = []
    for _ in range(config.num_steps):
        while len(order) < config.batch_size:
            order += rng.permutation(num_images).tolist()
        chosen, order = order[: config.batch_size], order[config.batch_size :]
        mirrored = rng.random(config.batch_size) < 0.5
        batch = [
            (index, config.flips and bool(m)) for index, m in zip(chosen, mirrored, strict=True)
        ]
        yield batch[share(len(batch))]


def _targets(
    images: AnnotatedImages, chosen: list[tuple[int, bool]], device: str = "cpu"
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    pictures, targets = [], []
    for index, mirrored in chosen:
        picture, objects = images.images[index], images.objects(index)
        if mirrored:
            picture, objects = _mirror(picture, objects)
        wanted = ~objects.is_crowd
        pictures.append(_tensor(picture, device))
        targets.append(
            {
                "boxes": torch.from_numpy(objects.boxes[wanted]).to(device),
                "labels": torch.from_numpy(objects.labels[wanted] + 1).to(
                    device
                ),  # 0 is the background
            }
        )
    return pictures, targets


def _mirror(
    picture: npt.NDArray[np.uint8], objects: Objects
) -> tuple[npt.NDArray[np.uint8], Objects]:
    boxes = objects.boxes.copy()
    boxes[:, [0, 2]] = picture.shape[1] - objects.boxes[:, [2, 0]]
    return picture[:, ::-1], Objects(boxes, objects.labels, objects.is_crowd)


def _tensor(picture: npt.NDArray[np.uint8], device: str) -> Tensor:
    """(3, side, side), of 1."""
    return torch.tensor(picture.copy(), device=device).permute(2, 0, 1) / 255.0
