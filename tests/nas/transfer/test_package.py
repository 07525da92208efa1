"""A packed classifier runs by itself and gives its golden outputs, at any number of images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.core.records import FileRef
from tasks.nas.manifests import TrainedNetwork, TrainTask
from tasks.nas.space.genotype_file import GenotypeRecord, read_genotype
from tasks.nas.training.candidates import Target, train_task
from tasks.nas.training.groups import SCRATCH
from tasks.nas.training.networks import build, design_of, plain_state
from tasks.nas.transfer.package import PackageTask, key_of_test, package_classifier
from tasks.nas.types import Genotype, Operation
from tests.support.nas.genotypes import chain
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder, arrays_of
from tests.support.nas.transfer_results import IMAGES
from tests.support.nas.transfer_runs import QUICK

# Few blocks, soon traced, with all that a trace must follow: a stride, a pool, a state passed on.
CELLS = Genotype(
    chain(Operation.SEP_CONV_3X3, Operation.AVG_POOL_3X3), chain(Operation.SEP_CONV_5X5)
)
TARGET = Target(image_px=16, mult_adds=300_000, num_classes=2)


def packed(task: TrainTask, folder: Path) -> tuple[torch.nn.Module, list[str]]:
    """Pack a network with drawn weights; returns it, and the names of the files."""
    network = build(*design_of(task)).eval()
    torch.save(plain_state(network), folder / "weights.pt")
    result = TrainedNetwork(
        item_id=task.item_id,
        validation_accuracy=0.5,
        test_accuracy=0.5,
        train_loss=1.0,
        num_params=1,
        mult_adds=1,
        train_cpu_s=1.0,
        image_cpu_s=1.0,
        curve=(0.5,),
        weights=FileRef(uri="weights.pt", sha256="0" * 64, num_bytes=1),
    )
    item = PackageTask(item_id="package", task=task, network=result, images=IMAGES)
    made = package_classifier(item, None, LocalFolder(folder, arrays_of({"test": coloured(6, 16)})))  # type: ignore[arg-type]
    assert made.test_key == key_of_test(IMAGES, 16)
    return network, sorted(made.files)


@pytest.mark.parametrize("kind", ["cells", "resnet"])
def test_a_packed_network_gives_what_the_network_gives(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    cells = GenotypeRecord.of(CELLS) if kind == "cells" else None
    task = train_task(kind, kind, cells, TARGET, QUICK, group=SCRATCH)
    network, names = packed(task, tmp_path)
    program = torch.export.load(tmp_path / "model.pt2").module()
    inputs, outputs = (np.load(tmp_path / f"golden_{n}.npy") for n in ("inputs", "outputs"))
    assert inputs.shape == (4, 3, 16, 16)
    assert 0 <= inputs.min() < inputs.max() <= 1
    with torch.no_grad():
        np.testing.assert_allclose(program(torch.tensor(inputs)), outputs, atol=1e-5)
        standardised = (torch.tensor(inputs) - 0.5) / 0.2
        np.testing.assert_allclose(network(standardised), outputs, atol=1e-4)
        assert program(torch.rand(7, 3, 16, 16)).shape == (7, 2)
    assert json.loads((tmp_path / "classes.json").read_text()) == ["red", "green"]
    assert ("genotype.json" in names) == (kind == "cells")
    if kind == "cells":
        assert read_genotype(tmp_path / "genotype.json") == CELLS


def test_a_test_is_the_same_only_for_the_same_images_and_size() -> None:
    other = IMAGES.test.model_copy(
        update={"labels": IMAGES.test.labels.model_copy(update={"sha256": "1" * 64})}
    )
    keys = {
        key_of_test(IMAGES, 16),
        key_of_test(IMAGES, 32),
        key_of_test(IMAGES.model_copy(update={"test": other}), 16),
    }
    assert len(keys) == 3
