"""Trains one child of a search at one rung."""

from __future__ import annotations

import time

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.nas.manifests import ChildResult, ChildTask
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.shared_images import SharedImages, shared_split


@dataclass(frozen=True, config=SETTINGS)
class ChildImages(SharedImages):
    """What the children of a search share.

    Attributes:
        learning_rate: Its peak.
        batch_size: Images of a step.
    """

    learning_rate: float = 0.1
    batch_size: int = 128


def train_child(item: ChildTask, shared: ChildImages, folder: ItemFolder) -> ChildResult:
    """Train a child and score it on validation images.

    Raises:
        DataError: It diverged.
    """
    # What trains is loaded by the worker, not by the driver that names this function.
    from tasks.nas.models.cost import cost_of
    from tasks.nas.training.loop import accuracy, train
    from tasks.nas.training.networks import build, lay_out, seeded, torch_device

    begun_s = time.process_time()
    budget, device = item.budget, torch_device(shared.device)
    genotype = item.genotype.genotype(item.item_id)
    size = NetworkSize(
        num_cells=budget.num_cells,
        num_filters=budget.num_filters,
        num_classes=len(shared.images.classes),
        image_px=budget.image_px,
    )
    seed = digest64(f"{item.genotype_hash}/{item.rung}/{item.replicate}") >> 1
    network = lay_out(seeded(lambda: build(genotype, size), seed), device)
    config = TrainingConfig(
        num_epochs=budget.num_epochs,
        learning_rate=shared.learning_rate,
        batch_size=shared.batch_size,
    )
    images = shared_split(folder, "train", budget.image_px)[: budget.num_images]
    trained = train(network, images, shared.standard, config, seed, device=device)
    validation = shared_split(folder, "validation", budget.image_px)[: budget.num_validation]
    right = accuracy(network, validation, shared.standard, device)
    cost = cost_of(lambda: build(genotype, size), budget.image_px)
    return ChildResult(
        item_id=item.item_id,
        accuracy=right,
        train_loss=trained.train_loss,
        num_params=cost.num_params,
        mult_adds=cost.mult_adds,
        cpu_s=time.process_time() - begun_s,
    )
