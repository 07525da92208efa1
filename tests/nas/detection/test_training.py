"""Training of detectors: it learns, repeats itself, and stops where the loss isn't a number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.core.errors import DataError
from tasks.nas.detection import training
from tasks.nas.detection.backbone import make_detector
from tasks.nas.detection.config import DetectorConfig, DetectorTrainingConfig
from tasks.nas.detection.scenes import CLASSES, draw_scenes
from tasks.nas.detection.scoring import score_detections
from tasks.nas.detection.training import detect, train_detector
from tasks.nas.detection.types import Objects
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.sizes import BaselineSize
from tests.support.nas.item_folders import LocalFolder

SETTINGS = DetectorConfig(
    neck_channels=16, finest_stride=4, num_levels=4, anchor_px=16, head_units=32, num_proposals=50
)


def detector(side_px: int, width: float = 8) -> torch.nn.Module:
    torch.manual_seed(1)
    network = make_baseline(BaselineSize("resnet", width, 1, stem="imagenet", image_px=side_px))
    return make_detector(network, SETTINGS, len(CLASSES), side_px, (0.5,) * 3, (0.25,) * 3)


def test_a_few_pictures_are_learnt_by_heart() -> None:
    images = draw_scenes(4, 48, 0)
    made = detector(48, 16)
    before = score_detections(images, detect(made, images.images)).ap50
    config = DetectorTrainingConfig(
        num_steps=75, learning_rate=4e-3, num_evaluations=3, flips=False
    )
    curve = train_detector(made, images, config, 0, lambda _: {})
    assert [each.step for each in curve] == [25, 50, 75]
    assert 0 < curve[0].cpu_s < curve[2].cpu_s
    after = score_detections(images, detect(made, images.images)).ap50
    assert before < 0.1
    assert after > 0.5


def test_the_same_seed_gives_the_same_detector() -> None:
    images = draw_scenes(8, 32, 0)

    def weights(seed: int) -> list[np.ndarray]:
        made = detector(32)
        train_detector(made, images, DetectorTrainingConfig(num_steps=3), seed, lambda _: {})
        return [each.detach().numpy() for each in made.parameters()]

    first, again, other = weights(0), weights(0), weights(1)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_a_training_that_was_cut_off_goes_on_to_the_same_detector(tmp_path: Path) -> None:
    images, config = draw_scenes(8, 32, 0), DetectorTrainingConfig(num_steps=6, num_evaluations=3)
    told: list[int] = []

    def run(keeper: LocalFolder | None, last: int = 6) -> tuple[object, ...]:
        def scores(step: int) -> dict[str, float]:
            told.append(step)
            if step > last:
                raise KeyboardInterrupt
            return {"step": float(step)}

        made = detector(32)
        curve = train_detector(made, images, config, 0, scores, keeper=keeper)
        return made.state_dict(), [replace(point, cpu_s=0.0) for point in curve]

    whole, expected = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(LocalFolder(tmp_path), last=2)
    told.clear()
    resumed, curve = run(LocalFolder(tmp_path))
    assert told == [4, 6]
    assert curve == expected
    assert all((whole[name] == resumed[name]).all() for name in whole)


def test_a_loss_that_is_no_number_ends_the_training_with_the_step() -> None:
    images = draw_scenes(4, 32, 0)
    made = detector(32)
    with torch.no_grad():
        next(made.parameters()).fill_(float("nan"))
    config = DetectorTrainingConfig(num_steps=5, num_evaluations=1)
    with pytest.raises(DataError, match="loss of steps 1 to 5 of 5 is nan; lower the learning"):
        train_detector(made, images, config, 0, lambda _: {})


def test_every_image_comes_once_an_epoch_and_about_half_are_mirrored() -> None:
    config = DetectorTrainingConfig(num_steps=30, batch_size=5)
    drawn = [each for batch in training._batches(15, config, 0) for each in batch]
    epochs = np.array([index for index, _ in drawn]).reshape(10, 15)
    assert (np.sort(epochs, axis=1) == np.arange(15)).all()
    assert 50 < sum(mirrored for _, mirrored in drawn) < 100
    still = training._batches(15, DetectorTrainingConfig(flips=False, num_steps=4), 0)
    assert not any(mirrored for batch in still for _, mirrored in batch)


def test_mirrored_boxes_hold_the_same_pixels() -> None:
    images = draw_scenes(5, 40, 2)
    for picture, objects in images:
        flipped, moved = training._mirror(picture, objects)
        for (x0, y0, x1, y1), (u0, v0, u1, v1) in zip(
            objects.boxes.astype(int), moved.boxes.astype(int), strict=True
        ):
            np.testing.assert_array_equal(flipped[v0:v1, u0:u1], picture[y0:y1, x0:x1][:, ::-1])


def test_crowds_are_no_targets_and_labels_count_from_one() -> None:
    images = draw_scenes(1, 32, 0)
    crowd = np.zeros(len(images.labels), bool)
    crowd[0] = True
    spoilt = type(images)(
        images.classes, images.images, images.boxes, images.labels, crowd, images.owners
    )
    (picture,), (target,) = training._targets(spoilt, [(0, False)])
    assert picture.shape == (3, 32, 32)
    assert picture.max() <= 1
    assert target["labels"].tolist() == (images.labels[1:] + 1).tolist()


def test_an_image_without_objects_teaches_the_background() -> None:
    images = draw_scenes(2, 32, 0)
    empty = type(images).of(CLASSES, images.images, [Objects.of([], [])] * 2)
    train_detector(detector(32), empty, DetectorTrainingConfig(num_steps=2), 0, lambda _: {})


def test_learning_rate_rises_then_falls_to_zero() -> None:
    config = DetectorTrainingConfig(num_steps=100, warmup_share=0.1)
    factors = [training._factor(step, config) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == pytest.approx(1)
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0, abs=1e-12)
    assert np.argmax(factors) in (9, 10)
