"""A packed classifier runs by itself, gives its golden outputs, and tells how it did its test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.bundle.folders import read_bundle
from tasks.bundle.replay import golden_of
from tasks.core.records import FileRef
from tasks.nas.data.photos import content_of, name_photos
from tasks.nas.data.raw_images import LabelledImages, shrink
from tasks.nas.manifests import ImageData, ImageSplit, TrainedNetwork, TrainTask
from tasks.nas.space.genotype_file import GenotypeRecord, read_genotype
from tasks.nas.training.candidates import Target, train_task
from tasks.nas.training.groups import SCRATCH
from tasks.nas.training.networks import build, design_of, plain_state
from tasks.nas.transfer.package import PackagedModel, PackageTask, key_of_test, package_classifier
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder
from tests.support.nas.transfer_results import IMAGES
from tests.support.nas.transfer_runs import FEW_BLOCKS, QUICK

TARGET = Target(image_px=16, mult_adds=300_000, num_classes=3)
CLASSES = ("red", "green", "blue")


def images_of(test: LabelledImages, folder: Path) -> ImageData:
    """A data set whose test lies in a folder."""
    photos = name_photos(test.pixels)
    files = {"images": test.pixels, "labels": test.labels, "photos": photos}
    for name, array in files.items():
        np.save(folder / f"{name}.npy", array)
    split = ImageSplit(
        **{name: FileRef(uri=f"{name}.npy", sha256="0" * 64, num_bytes=1) for name in files},
        num_images=len(test),
        content=content_of(photos, test.labels, CLASSES),
    )
    side_px = test.pixels.shape[1]
    changes = {"test": split, "classes": CLASSES, "side_px": side_px}
    return IMAGES.model_copy(update=changes)


def packed(
    task: TrainTask, images: ImageData, folder: Path
) -> tuple[torch.nn.Module, PackagedModel]:
    """Pack a network with drawn weights; returns it, and what was made."""
    network = build(*design_of(task)).eval()
    torch.save(plain_state(network), folder / "weights.pt")
    result = TrainedNetwork(
        item_id=task.item_id,
        validation_accuracy=0.5,
        test_accuracy=0.5,
        train_loss=1.0,
        num_params=1,
        mult_adds=1,
        depthwise_share=0.2,
        train_cpu_s=1.0,
        image_cpu_s=1.0,
        curve=(0.5,),
        weights=FileRef(uri="weights.pt", sha256="0" * 64, num_bytes=1),
    )
    item = PackageTask(item_id="package", task=task, network=result, images=images)
    return network, package_classifier(item, None, LocalFolder(folder))  # type: ignore[arg-type]


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.tensor(logits).softmax(dim=1).numpy()


@pytest.mark.parametrize(("kind", "side_px"), [("cells", 16), ("resnet", 32)])
def test_a_packed_network_gives_what_the_network_gives(
    tmp_path: Path, kind: str, side_px: int
) -> None:
    torch.manual_seed(0)
    test = coloured(7, side_px)
    cells = GenotypeRecord.of(FEW_BLOCKS) if kind == "cells" else None
    task = train_task(kind, kind, cells, TARGET, QUICK, group=SCRATCH)
    network, made = packed(task, images_of(test, tmp_path), tmp_path)
    bundle = read_bundle(tmp_path / "bundle")
    program = torch.export.load(tmp_path / "bundle" / "model.pt2").module()
    golden = [golden_of(tmp_path / "bundle", each) for each in bundle.signatures.values()]
    ((asked, told), (_, named)) = golden
    inputs, outputs = asked["images"], told["logits"]
    np.testing.assert_allclose(named["scores"], softmax(outputs), atol=1e-6)
    assert inputs.shape == (4, 3, side_px, side_px)
    assert 0 <= inputs.min() < inputs.max() <= 1
    trained_on = torch.tensor(shrink(test.pixels, 16)).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        np.testing.assert_allclose(program(torch.tensor(inputs)), outputs, atol=1e-5)
        logits = network((trained_on - 0.5) / 0.2)
        np.testing.assert_allclose(logits[:4], outputs, atol=1e-4)
        assert program(torch.rand(7, 3, side_px, side_px)).shape == (7, 3)
    assert ("genotype.json" in made.files) == (kind == "cells")
    if kind == "cells":
        assert read_genotype(tmp_path / "genotype.json") == FEW_BLOCKS
    use = bundle.use
    assert (use["classes"], use["input"]["side_px"]) == ([*CLASSES], side_px)
    assert {"model.onnx", "model.pt2", "bundle.json"} < made.bundle.keys()
    is_right = logits.argmax(dim=1).numpy() == test.labels
    with np.load(tmp_path / "answers.npz") as answers:
        told = {bytes(p): r for p, r in zip(answers["item"], answers["is_right"], strict=True)}
        assert [*told] == sorted(told)
    assert [told[bytes(each)] for each in name_photos(test.pixels)] == is_right.tolist()
    assert made.test_accuracy == is_right.mean()


def test_a_test_is_the_same_for_the_same_photos_in_any_order_at_any_size(tmp_path: Path) -> None:
    test = coloured(6)
    shuffled = test[np.array([3, 0, 5, 1, 4, 2])]
    bigger = images_of(test, tmp_path).model_copy(update={"side_px": 64})
    same = [images_of(test, tmp_path), images_of(shuffled, tmp_path), bigger]
    assert len({key_of_test(each) for each in same}) == 1
    relabelled = LabelledImages(test.pixels, test.labels[::-1])
    others = [same[0], images_of(test[:5], tmp_path), images_of(relabelled, tmp_path)]
    assert len({key_of_test(each) for each in others}) == 3
