"""Trains and scores one network: a searched cell, a published one or a baseline."""

from __future__ import annotations

import time

from tasks.core.ports import ItemFolder
from tasks.nas.manifests import TrainedNetwork, TrainTask
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.shared_images import SharedImages, shared_split

_WEIGHTS = "weights.pt"


def train_network(item: TrainTask, shared: SharedImages, folder: ItemFolder) -> TrainedNetwork:
    """Train a network, keep its weights, and score it on validation and test images.

    One that was cut off goes on after its last whole epoch.

    Raises:
        DataError: It diverged.
    """
    # What trains is loaded by the worker, not by the driver that names this function.
    import torch

    import tasks.nas.training.networks as networks
    from tasks.nas.models.cost import cost
    from tasks.nas.training.loop import accuracy, train

    device, seed = networks.torch_device(shared.device), networks.seed_of(item)
    network = networks.seeded(lambda: networks.begin(item, folder), seed)
    size = cost(network, item.image_px)
    network = networks.lay_out(network, device)
    images = shared_split(folder, "train", item.image_px)
    validation = shared_split(folder, "validation", item.image_px)
    begun_s = time.process_time()
    trained = train(
        network,
        images[: item.num_images or len(images)],
        shared.standard,
        TrainingConfig(**item.recipe),
        seed,
        device=device,
        on_epoch=lambda: accuracy(network, validation, shared.standard, device),
        keeper=folder,
    )
    trained_s = time.process_time()
    test = shared_split(folder, "test", item.image_px)
    right = accuracy(network, test, shared.standard, device)
    test_s = time.process_time() - trained_s
    torch.save(networks.plain_state(network), folder.path / _WEIGHTS)
    return TrainedNetwork(
        item_id=item.item_id,
        validation_accuracy=trained.curve[-1],
        test_accuracy=right,
        train_loss=trained.train_loss,
        num_params=size.num_params,
        mult_adds=size.mult_adds,
        depthwise_share=size.depthwise_share,
        train_cpu_s=trained_s - begun_s,
        image_cpu_s=test_s / len(test),
        curve=trained.curve,
        weights=folder.add(_WEIGHTS),
    )
