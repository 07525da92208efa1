"""Trains a detector, scores it on the way, and says what it sees."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tasks.core.errors import DataError
from tasks.nas.detection.config import DetectorTrainingConfig
from tasks.nas.detection.types import AnnotatedImages, Detections, Objects
from tasks.nas.training.checkpoints import Checkpoints, Keeper, Reached
from tasks.nas.training.schedule import warmup_cosine

_BATCH = 16  # images that are looked at together without training


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        step: Steps done.
        loss: Mean loss since the last report.
        cpu_s: CPU seconds of training so far, reports apart.
    """

    step: int
    loss: float
    cpu_s: float


def train_detector(
    detector: nn.Module,
    images: AnnotatedImages,
    config: DetectorTrainingConfig,
    seed: int,
    report: Callable[[Progress], Sequence[float]],
    device: str = "cpu",
    keeper: Keeper | None = None,
) -> tuple[Sequence[float], ...]:
    """Train a detector by AdamW with a linear warm-up and a cosine to zero.

    Args:
        detector: Maps images and targets to losses; see `tasks.nas.detection.backbone`. Its
            sampling of proposals draws from torch's global generator, which is seeded here.
        images: What it is trained on. Images without objects teach the background.
        config: How.
        seed: Decides the order of images, mirrorings and sampling.
        report: Called ``config.num_evaluations`` times, evenly; may set evaluation mode.
        device: ``cpu`` or ``cuda``; the detector is there.
        keeper: Keeps the state after each report; one that was cut off goes on from there.

    Returns:
        Of each report: step, loss, CPU seconds, and what ``report`` returned.

    Raises:
        DataError: The loss is not a finite number any more.
    """
    optimizer = torch.optim.AdamW(detector.parameters(), weight_decay=config.weight_decay)
    losses, marks = list[float](), _marks(config)
    with torch.random.fork_rng(enabled=device == "cpu", devices=[]):
        torch.manual_seed(seed)
        kept = Checkpoints(keeper, detector, optimizer, None, device) if keeper else None
        reached = (kept and kept.load()) or Reached(0, math.nan, ())
        curve = [*reached.curve]
        cpu_s = curve[-1][2] if curve else 0.0
        for step, chosen in enumerate(_batches(len(images), config, seed), start=1):
            if step <= reached.num_done:
                continue
            begun_s = time.process_time()
            batch = _targets(images, chosen, device)
            losses.append(_step(detector, optimizer, batch, config, step))
            cpu_s += time.process_time() - begun_s
            if step in marks:
                progress = Progress(step, float(np.mean(losses)), cpu_s)
                curve.append([step, progress.loss, cpu_s, *report(progress)])
                losses = []
                if kept is not None:
                    kept.save(step, progress.loss, curve)
    return tuple(curve)


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
    step: int,
) -> float:
    detector.train()
    optimizer.param_groups[0]["lr"] = config.learning_rate * _factor(step - 1, config)
    losses = detector(*batch)
    loss = torch.stack(list(losses.values())).sum()
    value = float(loss.detach())
    if not math.isfinite(value):
        raise DataError(
            f"the loss is {value} at step {step} of {config.num_steps}: lower the learning rate "
            f"({config.learning_rate:g}) or warm up longer"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(detector.parameters(), config.clip_norm)
    optimizer.step()
    return value


def _marks(config: DetectorTrainingConfig) -> set[int]:
    """Steps after which there is a report."""
    every = config.num_steps / config.num_evaluations
    return {round(every * (k + 1)) for k in range(config.num_evaluations)}


def _factor(step: int, config: DetectorTrainingConfig) -> float:
    """Learning rate of a step, of its peak; a step of the warm-up has the rate of its end."""
    warmup = max(1, round(config.warmup_share * config.num_steps))
    return warmup_cosine(max(step, min(step + 1, warmup)), warmup, config.num_steps)


def _batches(
    num_images: int, config: DetectorTrainingConfig, seed: int
) -> Iterator[list[tuple[int, bool]]]:
    """For each step the images, and whether each is mirrored; every image once an epoch."""
    rng = np.random.default_rng(seed)
    order: list[int] = []
    for _ in range(config.num_steps):
        while len(order) < config.batch_size:
            order += rng.permutation(num_images).tolist()
        chosen, order = order[: config.batch_size], order[config.batch_size :]
        mirrored = rng.random(config.batch_size) < 0.5
        yield [(index, config.flips and bool(m)) for index, m in zip(chosen, mirrored, strict=True)]


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
