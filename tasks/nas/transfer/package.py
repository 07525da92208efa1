"""Turns a trained classifier into what a registry keeps: one file that runs without this code."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tasks.core.digests import digest
from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef, Record
from tasks.nas.manifests import ImageData, TrainedNetwork, TrainTask
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.training.networks import build, design_of
from tasks.nas.training.shared_images import shared_split

MODEL_FILE, GENOTYPE_FILE, CLASSES_FILE = "model.pt2", "genotype.json", "classes.json"
INPUTS_FILE, OUTPUTS_FILE = "golden_inputs.npy", "golden_outputs.npy"
NUM_GOLDEN = 4
METRIC = "test_accuracy"


class PackageTask(Record):
    """A classifier to pack.

    Attributes:
        item_id: Unique within its stage.
        task: Its training.
        network: What came of it.
        images: What it was trained on.
    """

    schema_id = "nas.package_task/1"
    unit: ClassVar[str] = "models"

    item_id: str
    task: TrainTask
    network: TrainedNetwork
    images: ImageData


class PackagedModel(Record):
    """The files of a packed classifier.

    Attributes:
        item_id: That of its task.
        files: The network as `torch.export` writes it, its golden inputs and outputs, its classes,
            and the genotype if it has one, by name.
        test_key: Digest of the test that gave its figure.
    """

    schema_id = "nas.packaged_model/1"

    item_id: str
    files: dict[str, FileRef]
    test_key: str


class PackedClassifier(nn.Module):
    """A classifier of images (n, 3, side, side) in [0, 1]; standardises them itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, images: ImageData) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(images.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(images.std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


def package_classifier(item: PackageTask, config: None, folder: ItemFolder) -> PackagedModel:  # noqa: ARG001
    """Export a classifier with a few test images and what it makes of them."""
    task, images = item.task, item.images
    genotype, size = design_of(task)
    network = build(genotype, size)
    state = torch.load(folder.fetch(item.network.weights), weights_only=True)
    network.load_state_dict(state)
    packed = PackedClassifier(network, images).eval()
    pixels = shared_split(folder, "test", task.image_px)[:NUM_GOLDEN].pixels
    inputs = torch.tensor(pixels).permute(0, 3, 1, 2).contiguous() / 255.0
    with torch.no_grad():
        outputs = packed(inputs)
    batch = torch.export.Dim("batch", min=1)
    exported = torch.export.export(packed, (inputs,), dynamic_shapes=({0: batch},))
    torch.export.save(exported, folder.path / MODEL_FILE)
    np.save(folder.path / INPUTS_FILE, inputs.numpy())
    np.save(folder.path / OUTPUTS_FILE, outputs.numpy())
    (folder.path / CLASSES_FILE).write_text(json.dumps(images.classes))
    names = [MODEL_FILE, INPUTS_FILE, OUTPUTS_FILE, CLASSES_FILE]
    if genotype is not None:
        (folder.path / GENOTYPE_FILE).write_text(genotype_json(genotype))
        names.append(GENOTYPE_FILE)
    return PackagedModel(
        item_id=item.item_id,
        files={name: folder.add(name) for name in names},
        test_key=key_of_test(images, task.image_px),
    )


def key_of_test(images: ImageData, image_px: int) -> str:
    """Digest of a test: the same only for the same images, labels, size and figure."""
    test: dict[str, Any] = {
        "images": images.test.images.sha256,
        "labels": images.test.labels.sha256,
        "image_px": image_px,
        "metric": METRIC,
    }
    return digest(test)
