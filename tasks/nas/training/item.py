"""Trains and scores one network: a searched cell, a published one or a baseline."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.nas.manifests import TrainedNetwork, TrainTask
from tasks.nas.models.cost import mult_adds, num_params
from tasks.nas.recipe import Recipe
from tasks.nas.specs import BaselineSpec, NetworkSpec
from tasks.nas.training.loop import accuracy, train
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.settings import TrainingSettings, shared_split

_WEIGHTS = "weights.pt"
_CLASSIFIERS = ("classifier.", "auxiliary.")


def train_network(item: TrainTask, config: TrainingSettings, folder: ItemFolder) -> TrainedNetwork:
    """Train a network, keep its weights, and score it on validation and test images.

    One that was cut off goes on after its last whole epoch.

    Raises:
        DataError: It diverged.
    """
    network, recipe, seed = _begin(item, folder), Recipe(**item.recipe), _seed(item)
    cost = mult_adds(network, item.image_px), num_params(network)
    network = lay_out(network, config.torch_device)
    images = shared_split(folder, "train", item.image_px)
    validation = shared_split(folder, "validation", item.image_px)

    def validate() -> float:
        return accuracy(network, validation, config.standard, config.torch_device)

    begun_s = time.process_time()
    trained = train(
        network,
        images[: item.num_images or len(images)],
        config.standard,
        recipe,
        seed,
        device=config.torch_device,
        on_epoch=validate,
        keeper=folder,
    )
    trained_s = time.process_time()
    test = shared_split(folder, "test", item.image_px)
    right = accuracy(network, test, config.standard, config.torch_device)
    test_s = time.process_time() - trained_s
    torch.save(plain_state(network), folder.path / _WEIGHTS)
    return TrainedNetwork(
        item_id=item.item_id,
        validation_accuracy=trained.curve[-1],
        test_accuracy=right,
        train_loss=trained.train_loss,
        num_params=cost[1],
        mult_adds=cost[0],
        train_cpu_s=trained_s - begun_s,
        image_cpu_s=test_s / len(test),
        curve=trained.curve,
        weights=folder.add(_WEIGHTS),
    )


def spec_of_task(item: TrainTask) -> NetworkSpec | BaselineSpec:
    """The spec that a task holds as JSON values."""
    return BaselineSpec(**item.spec) if item.genotype is None else NetworkSpec(**item.spec)


def plain_state(network: nn.Module) -> dict[str, Any]:
    """State dict on the CPU, in plain layout."""
    return {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}


def _begin(item: TrainTask, folder: ItemFolder) -> nn.Module:
    """The network with its initial weights."""
    genotype = item.genotype.genotype(item.item_id) if item.genotype else None
    network = seeded(lambda: build(genotype, spec_of_task(item)), _seed(item))
    if item.initial is not None:
        state = torch.load(folder.fetch(item.initial), weights_only=True)
        kept = {name: v for name, v in state.items() if not name.startswith(_CLASSIFIERS)}
        network.load_state_dict(kept, strict=False)
    return network


def _seed(item: TrainTask) -> int:
    return digest64(f"{item.item_id}/{item.seed}") >> 1
