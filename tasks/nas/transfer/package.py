"""Turns a trained classifier into what a registry keeps: a bundle that runs without this code.

It says what a user of a photo needs (how the photo becomes its input, what its outputs are called).
Beside it lies which photos of the test it classifies rightly, for comparison with other models.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tasks.bundle.making import Example, make_bundle
from tasks.bundle.manifest import Provenance
from tasks.bundle.steps import shares
from tasks.core.digests import digest
from tasks.core.models import ANSWERS_FILE, BUNDLE_FILE
from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef, Record
from tasks.nas.data.photos import in_order
from tasks.nas.data.raw_images import Pixels
from tasks.nas.manifests import ImageData, ImageSplit, TrainedNetwork, TrainTask
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.training.networks import build, design_of

GENOTYPE_FILE = "genotype.json"
NUM_GOLDEN = 4
METRIC = "test_accuracy"
_BATCH = 250
_TOLERANCE = 1e-3  # of golden logits: another machine may add up in another order


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
        bundle: Files of its bundle, by their names there.
        files: Its answers to the test, and the genotype if it has one, by name.
        test_key: Digest of the test that gave its figure.
        test_accuracy: The figure: share of the test's photos that the packed network classifies
            rightly.
    """

    schema_id = "nas.packaged_model/3"

    item_id: str
    bundle: dict[str, FileRef]
    files: dict[str, FileRef]
    test_key: str
    test_accuracy: float


class PackedClassifier(nn.Module):
    """A classifier of images (n, 3, side, side) in [0, 1], of the side that they were prepared at.

    It shrinks them as `tasks.nas.data.raw_images.shrink` does, and standardises them.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, images: ImageData, image_px: int) -> None:
        super().__init__()
        self.network = network
        self.factor = images.side_px // image_px
        self.register_buffer("mean", torch.tensor(images.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(images.std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        if self.factor > 1:
            images = self._shrunk(images)
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    def _shrunk(self, images: Tensor) -> Tensor:
        """Means of blocks, rounded to whole 255ths; sums of whole numbers are exact.

        ONNX's pooling has no other divisor than their number, so that sums are rounded back.
        """
        num = self.factor**2
        sums = (nn.functional.avg_pool2d((images * 255).round(), self.factor) * num).round()
        return ((sums + num // 2) / num).floor() / 255


def package_classifier(item: PackageTask, config: None, folder: ItemFolder) -> PackagedModel:  # noqa: ARG001
    """Export a classifier with what belongs to it, and let it answer the test."""
    task, images = item.task, item.images
    genotype, size = design_of(task)
    network = build(genotype, size)
    state = torch.load(folder.fetch(item.network.weights), weights_only=True)
    network.load_state_dict(state)
    packed = PackedClassifier(network, images, task.image_px).eval()
    pixels = np.load(folder.fetch(images.test.images), mmap_mode="r")
    bundle = _bundle(packed, _tensor(pixels[:NUM_GOLDEN]), item, folder)
    accuracy = _answer(packed, pixels, images, folder)
    names = [ANSWERS_FILE]
    if genotype is not None:
        (folder.path / GENOTYPE_FILE).write_text(genotype_json(genotype))
        names.append(GENOTYPE_FILE)
    return PackagedModel(
        item_id=item.item_id,
        bundle=bundle,
        files={name: folder.add(name) for name in names},
        test_key=key_of_test(images),
        test_accuracy=accuracy,
    )


def _bundle(
    packed: nn.Module, inputs: Tensor, item: PackageTask, folder: ItemFolder
) -> dict[str, FileRef]:
    """Write the classifier as it is served; ``classify`` gives shares of its classes."""
    images = item.images
    with torch.no_grad():
        outputs = {"logits": packed(inputs).numpy()}
    given = {"images": inputs.numpy()}
    batch = torch.export.Dim("batch", min=1)
    exported = torch.export.export(packed, (inputs,), dynamic_shapes=({0: batch},))
    examples = {
        "predict": Example(given, outputs, _TOLERANCE),
        "classify": Example(
            given, shares(outputs), _TOLERANCE, "classify", images.classes, after=shares
        ),
    }
    made = make_bundle(
        folder.path / "bundle",
        item.task.name,
        exported,
        examples,
        use=use_of(images),
        provenance=Provenance(
            maker="nas.register",
            data={f"{images.name}: {part}": each.content for part, each in _parts(images).items()},
            licences={"program": "Apache-2.0", images.name: "as its owner says"},
        ),
    )
    return {name: folder.add(f"bundle/{name}") for name in (*made.files, BUNDLE_FILE)}


def _parts(images: ImageData) -> dict[str, ImageSplit]:
    return {"train": images.train, "validation": images.validation, "test": images.test}


def use_of(images: ImageData) -> dict[str, Any]:
    """What a user needs to name a photo: how it becomes an input, and what outputs are called."""
    return {
        "classes": list(images.classes),
        "input": {
            "upright": "turned as its EXIF orientation asks",
            "colour": "RGB",
            "resize": "shorter side to side_px, Pillow's LANCZOS",
            "crop": "the middle, side_px x side_px",
            "side_px": images.side_px,
            "axes": "image, channel, row, column",
            "range": [0, 1],
        },
    }


def key_of_test(images: ImageData) -> str:
    """Digest of a test: the same for the same photos, classes and figure.

    The order of the photos, and the size that they are brought to, make no other test.
    """
    return digest({"photos": images.test.content, "metric": METRIC})


def _answer(packed: nn.Module, pixels: Pixels, images: ImageData, folder: ItemFolder) -> float:
    """Write which photos of the test are classified rightly; returns their share."""
    labels = np.load(folder.fetch(images.test.labels))
    photos = np.load(folder.fetch(images.test.photos))
    right = _named(packed, pixels) == labels
    order = in_order(photos, labels, images.classes)
    np.savez(folder.path / ANSWERS_FILE, item=photos[order], is_right=right[order])
    return float(right.mean())


def _named(packed: nn.Module, pixels: Pixels) -> npt.NDArray[np.int64]:
    """The classes, (n,), that a packed network takes images (n, side, side, 3) for."""
    with torch.inference_mode():
        parts = [
            packed(_tensor(pixels[begin : begin + _BATCH])).argmax(dim=1).numpy()
            for begin in range(0, len(pixels), _BATCH)
        ]
    return np.concatenate(parts)


def _tensor(pixels: Pixels) -> Tensor:
    """Images (n, side, side, 3) as the packed network takes them."""
    return torch.tensor(np.asarray(pixels)).permute(0, 3, 1, 2).contiguous() / 255.0
