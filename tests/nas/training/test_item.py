"""A network is trained, scored and kept; what is reported is what its weights give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tasks.core.errors import DataError
from tasks.nas.manifests import TrainTask
from tasks.nas.training.candidates import Target, train_task
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import SCRATCH
from tasks.nas.training.item import train_network
from tasks.nas.training.loop import accuracy
from tasks.nas.training.networks import build, design_of
from tasks.nas.training.shared_images import SharedImages
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder, arrays_of
from tests.support.nas.transfer_results import IMAGES

SPLITS = {
    "train": coloured(160),
    "validation": coloured(60, seed=1),
    "test": coloured(45, seed=2),
}
SHARED = SharedImages(images=IMAGES, device="cpu")
CONFIG = TrainingConfig(num_epochs=2, batch_size=16, learning_rate=0.05)


def task(config: TrainingConfig = CONFIG, num_images: int = 0) -> TrainTask:
    target = Target(8, 300_000, num_classes=3, num_images=num_images)
    return train_task("resnet", "resnet", None, target, config, group=SCRATCH)


def folder(path: Path) -> LocalFolder:
    path.mkdir(exist_ok=True)
    return LocalFolder(path, arrays_of(SPLITS))


def test_colours_are_learnt_and_the_kept_weights_give_what_is_reported(tmp_path: Path) -> None:
    item = task()
    made = train_network(item, SHARED, folder(tmp_path))  # type: ignore[arg-type]
    assert made.test_accuracy > 0.8
    assert len(made.curve) == 2
    assert made.validation_accuracy == made.curve[-1]
    assert abs(made.mult_adds / 300_000 - 1) <= 0.05
    assert made.train_cpu_s > 0
    assert made.image_cpu_s > 0
    network = build(*design_of(item))
    network.load_state_dict(torch.load(tmp_path / made.weights.uri, weights_only=True))
    assert made.num_params == sum(each.numel() for each in network.parameters())
    for name, reported in (
        ("test", made.test_accuracy),
        ("validation", made.validation_accuracy),
    ):
        assert accuracy(network, SPLITS[name], SHARED.standard) == pytest.approx(reported)


def test_only_the_first_images_are_seen(tmp_path: Path) -> None:
    few = {**SPLITS, "train": SPLITS["train"][:32]}
    one = train_network(task(num_images=32), SHARED, folder(tmp_path / "a"))  # type: ignore[arg-type]
    (tmp_path / "b").mkdir()
    other = train_network(task(), SHARED, LocalFolder(tmp_path / "b", arrays_of(few)))  # type: ignore[arg-type]
    assert one.curve == other.curve
    assert one.train_loss == other.train_loss


def test_a_training_that_diverges_is_an_error(tmp_path: Path) -> None:
    wild = replace(CONFIG, learning_rate=10.0, momentum=0.99, weight_decay=1.0, warmup_share=0.0)
    with pytest.raises(DataError, match="diverged"):
        train_network(task(wild), SHARED, folder(tmp_path))  # type: ignore[arg-type]
