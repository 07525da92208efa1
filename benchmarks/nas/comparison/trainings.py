"""Two kinds of trainings: classifiers of photos, and detectors that begin with their weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.nas.comparison.kept import Kept, Result
from benchmarks.nas.comparison.settings import Settings, design
from tasks.core.seeds import digest64
from tasks.nas.data.keep import channel_statistics
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.data.read import Splits, deal, read_images
from tasks.nas.detection.backbone import make_detector
from tasks.nas.detection.scenes import CLASSES, draw_scenes
from tasks.nas.detection.scoring import score_detections
from tasks.nas.detection.training import detect, train_detector
from tasks.nas.detection.types import AnnotatedImages
from tasks.nas.training.loop import accuracy, train
from tasks.nas.training.networks import build, lay_out, plain_state, seeded
from tasks.nas.training.standard import Standard

WEIGHTS = "weights.pt"
_DEAL_SEED = 0


@dataclass(frozen=True)
class Classify:
    """A training of a classifier.

    Attributes:
        network: Name of the network.
        rate: Peak learning rate.
        seed: Decides weights, order and augmentation.
        settings: The rest.
        data: Folder of the photos.
    """

    network: str
    rate: float
    seed: int
    settings: Settings
    data: str = field(repr=False)

    @property
    def name(self) -> str:
        """Begins the folder's name."""
        return f"classify-{self.network}-{self.rate:g}-s{self.seed}"

    def run(self, folder: Kept) -> Result:
        """Train; the test photos are not looked at (`test_accuracy`)."""
        splits, standard = photos(self.data, self.settings)
        # Networks of one seed see one order of images; only their weights can't be alike.
        draw = digest64(f"comparison/{self.seed}") >> 1
        network = seeded(lambda: build(*design(self.network, self.settings)), draw)
        network = lay_out(network, "cpu")
        trained = train(
            network,
            splits.train,
            standard,
            replace(self.settings.recipe, learning_rate=self.rate),
            draw,
            on_epoch=lambda: accuracy(network, splits.validation, standard),
            keeper=folder,
        )
        torch.save(plain_state(network), folder.path / WEIGHTS)
        return {"loss": trained.train_loss, "curve": trained.curve}


@dataclass(frozen=True)
class Detect:
    """A training of a detector.

    Attributes:
        classifier: Gives the backbone, its weights and the seed.
        rate: Peak learning rate.
    """

    classifier: Classify
    rate: float

    @property
    def name(self) -> str:
        """Begins the folder's name."""
        return f"detect-{self.classifier.network}-{self.rate:g}-s{self.classifier.seed}"

    def run(self, folder: Kept) -> Result:
        """Train; the test scenes are not looked at (`test_map`)."""
        settings = self.classifier.settings
        train_set, validation, _ = scenes(settings)
        draw = digest64(f"comparison/detect/{self.classifier.seed}") >> 1
        detector = self.detector(draw, weights_of(self.classifier, folder.path.parent))

        def scores(_: int) -> dict[str, float]:
            found = detect(detector, validation.images)
            return {"mean_ap": score_detections(validation, found).mean_ap}

        recipe = replace(settings.detector_recipe, learning_rate=self.rate)
        curve = train_detector(detector, train_set, recipe, draw, scores, keeper=folder)
        torch.save(plain_state(detector), folder.path / WEIGHTS)
        return {
            "loss": curve[-1].losses["loss"],
            "curve": [point.values["mean_ap"] for point in curve],
        }

    def detector(self, seed: int, weights: dict[str, torch.Tensor]) -> nn.Module:
        """The detector before its training."""
        settings = self.classifier.settings
        mean, std = channel_statistics(scenes(settings)[0].images)

        def make() -> nn.Module:
            network = build(*design(self.classifier.network, settings))
            network.load_state_dict(weights)
            network.to(memory_format=torch.channels_last)
            around = len(CLASSES), settings.image_px, mean, std
            made: nn.Module = make_detector(
                network, settings.detector, *around, keeps_statistics=True
            )
            return made

        return seeded(make, seed)


def test_accuracy(training: Classify, root: Path) -> float:
    """Share of the test photos that a trained classifier knows."""
    splits, standard = photos(training.data, training.settings)
    network = build(*design(training.network, training.settings))
    network.load_state_dict(weights_of(training, root))
    return accuracy(lay_out(network, "cpu"), splits.test, standard)


def test_map(training: Detect, root: Path) -> float:
    """COCO's mAP of a trained detector on the test scenes, of 1."""
    _, _, test = scenes(training.classifier.settings)
    detector = training.detector(0, weights_of(training.classifier, root))
    detector.load_state_dict(weights_of(training, root))
    return score_detections(test, detect(detector, test.images)).mean_ap


def weights_of(training: Classify | Detect, root: Path) -> dict[str, torch.Tensor]:
    """The weights that a training left."""
    path = Kept.of(training, root).path / WEIGHTS
    found: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return found


@cache
def photos(data: str, settings: Settings) -> tuple[Splits, Standard]:
    """The photos, dealt once for all trainings; the set's own second split is the test."""
    raw = read_images(data, "cifar10", settings.image_px)
    splits = deal(raw, settings.num_validation, np.random.default_rng(_DEAL_SEED))
    train_set: LabelledImages = splits.train[: settings.num_train or len(splits.train)]
    return replace(splits, train=train_set), Standard(*channel_statistics(train_set.pixels))


@cache
def scenes(settings: Settings) -> tuple[AnnotatedImages, AnnotatedImages, AnnotatedImages]:
    """Scenes to train on, to choose by and to test on."""
    train_set, validation, test = (
        draw_scenes(number, settings.image_px, seed)
        for seed, number in enumerate(settings.num_scenes)
    )
    return train_set, validation, test
