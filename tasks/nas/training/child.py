"""Trains one child of a search at one rung."""

from __future__ import annotations

import time

from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.nas.manifests import ChildResult, ChildTask
from tasks.nas.models.cost import cost_of
from tasks.nas.recipe import Recipe
from tasks.nas.specs import NetworkSpec
from tasks.nas.training.loop import accuracy, train
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.settings import TrainingSettings, shared_split

_SEED_BITS = 63


def train_child(item: ChildTask, config: TrainingSettings, folder: ItemFolder) -> ChildResult:
    """Train a child and score it on validation images.

    Raises:
        DataError: It diverged.
    """
    begun_s = time.process_time()
    budget = item.budget
    genotype = item.genotype.genotype(item.item_id)
    spec = NetworkSpec(
        num_cells=budget.num_cells,
        num_filters=budget.num_filters,
        num_classes=len(config.images.classes),
        image_px=budget.image_px,
    )
    seed = digest64(f"{item.genotype_hash}/{item.rung}/{item.replicate}") >> (64 - _SEED_BITS)
    network = lay_out(seeded(lambda: build(genotype, spec), seed), config.torch_device)
    recipe = Recipe(
        num_epochs=budget.num_epochs,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
    )
    trained = train(
        network,
        shared_split(folder, "train", budget.image_px)[: budget.num_images],
        config.standard,
        recipe,
        seed,
        device=config.torch_device,
    )
    validation = shared_split(folder, "validation", budget.image_px)[: budget.num_validation]
    right = accuracy(network, validation, config.standard, config.torch_device)
    cost = cost_of(lambda: build(genotype, spec), budget.image_px)
    return ChildResult(
        item_id=item.item_id,
        accuracy=right,
        train_loss=trained.train_loss,
        num_params=cost.num_params,
        mult_adds=cost.mult_adds,
        cpu_s=time.process_time() - begun_s,
    )
