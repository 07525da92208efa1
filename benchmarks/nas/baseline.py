"""What children are compared with: two loops that are frozen, and the cells they train.

`plain_child` is what one writes first: torchvision's transforms on PIL images, a DataLoader in the
same process, images outermost (NCHW). `channels_last_child` is the recipe of a careful user: the
batch augmented as one array, the same modules in channels_last. Both have the optimiser, the
schedule, the numbers of images, steps and evaluations, and the type of numbers of our children.
Where a child's cost is asked of a machine, `ConvolutionKernel` is timed beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.manifests import Rung
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.random_cells import random_genotype
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.loop import accuracy, rate, train
from tasks.nas.training.standard import Standard
from tasks.nas.types import Genotype

NUM_CELLS, _CELLS_SEED = 20, 20
_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Job:
    """A child to train.

    Attributes:
        folder: Holds ``train.npy``, ``validation.npy`` of (n, side, side, 3) and their labels.
        cell: Number of the cell.
        rung: Sizes.
        standard: How images are standardised.
        config: How it is trained.
    """

    folder: Path
    cell: int
    rung: Rung
    standard: Standard
    config: TrainingConfig

    @property
    def size(self) -> NetworkSize:
        """Of the network."""
        rung = self.rung
        return NetworkSize(rung.num_cells, rung.num_filters, image_px=rung.image_px)

    def images(self, name: str) -> LabelledImages:
        """A split, as much of it as the rung takes; mapped into memory."""
        count = self.rung.num_images if name == "train" else self.rung.num_validation
        pixels = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return LabelledImages(pixels[:count], np.load(self.folder / f"{name}_labels.npy")[:count])


@dataclass(frozen=True)
class Child:
    """What became of a child.

    Attributes:
        accuracy: On the validation images, of 1.
        cpu_s: CPU seconds, loading of images and libraries apart.
    """

    accuracy: float
    cpu_s: float


def fixed_cell(number: int) -> Genotype:
    """One of the twenty cells, drawn as random search draws."""
    return random_genotype(np.random.default_rng([_CELLS_SEED, number]))


def plain_child(job: Job) -> Child:
    """Train a child by a straightforward loop."""
    torch.set_num_threads(1)
    train_images, validation = (_Images(job, name) for name in ("train", "validation"))
    begun_s = time.process_time()
    torch.manual_seed(job.cell)
    network = CellNetwork(fixed_cell(job.cell), job.size)
    _train_plainly(network, train_images, job.config)
    network.eval()
    num_right = 0
    with torch.no_grad():
        for images, labels in DataLoader(validation, _EVALUATION_BATCH):
            num_right += int((network(images).argmax(dim=1) == labels).sum())
    return Child(num_right / len(validation), time.process_time() - begun_s)


def channels_last_child(job: Job) -> Child:
    """Train a child on batches that are augmented whole, the modules being in channels_last."""
    torch.set_num_threads(1)
    splits = [job.images(name) for name in ("train", "validation")]
    begun_s = time.process_time()
    torch.manual_seed(job.cell)
    network = CellNetwork(fixed_cell(job.cell), job.size)
    network = network.to(memory_format=torch.channels_last)
    train(network, splits[0], job.standard, job.config, job.cell)
    right = accuracy(network, splits[1], job.standard)
    return Child(right, time.process_time() - begun_s)


class _Images(Dataset[tuple[torch.Tensor, int]]):
    """Images as PIL images, transformed one by one."""

    def __init__(self, job: Job, name: str) -> None:
        split = job.images(name)
        self._pixels, self._labels = np.array(split.pixels), split.labels
        steps: list[nn.Module] = []
        if name == "train":
            steps.append(v2.RandomCrop(job.rung.image_px, padding=job.config.crop_px))
            steps.append(v2.RandomHorizontalFlip())
        steps += [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(job.standard.mean, job.standard.std),
        ]
        self._transform = v2.Compose(steps)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self._pixels[index])
        return self._transform(image), int(self._labels[index])


def _train_plainly(network: nn.Module, images: _Images, config: TrainingConfig) -> None:
    loader = DataLoader(images, config.batch_size, shuffle=True, drop_last=True, num_workers=0)
    weights = list(network.parameters())
    optimizer = torch.optim.SGD(
        [
            {"params": [w for w in weights if w.dim() > 1], "weight_decay": config.weight_decay},
            {"params": [w for w in weights if w.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=True,
    )
    num_steps = config.num_epochs * len(loader)
    network.train()
    for step, (batch, labels) in enumerate(_epochs(loader, config.num_epochs)):
        for group in optimizer.param_groups:
            group["lr"] = rate(config, (step + 0.5) / num_steps)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(batch), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _epochs(loader: DataLoader[Any], num_epochs: int) -> Iterator[Any]:
    for _ in range(num_epochs):
        yield from loader
