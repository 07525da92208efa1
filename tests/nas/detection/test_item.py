"""A detector is trained, scored on the way and kept; its figures are those of its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tasks.core.config import config_json
from tasks.core.records import FileRef
from tasks.nas.detection.backbone import make_detector
from tasks.nas.detection.config import DetectorConfig, DetectorTrainingConfig
from tasks.nas.detection.item import train_one_detector
from tasks.nas.detection.manifests import DetectTask, TrainedDetector
from tasks.nas.detection.scenes import CLASSES, draw_scenes
from tasks.nas.detection.scoring import score_detections
from tasks.nas.detection.shared_boxes import SharedBoxes
from tasks.nas.detection.training import detect
from tasks.nas.models.cost import cost_of
from tasks.nas.training.networks import build, design_of
from tests.support.nas.box_sets import box_arrays
from tests.support.nas.item_folders import LocalFolder
from tests.support.nas.transfer_results import BOXES

SPLITS = {"train": draw_scenes(4, 32, 0), "test": draw_scenes(3, 32, 1)}
SHARED = SharedBoxes(
    boxes=BOXES.model_copy(update={"classes": CLASSES, "side_px": 32}), device="cpu"
)
HEAD = DetectorConfig(
    neck_channels=8, finest_stride=2, num_levels=1, head_units=16, num_proposals=20
)
SPEC = {"kind": "resnet", "width": 4.0, "num_blocks": 1, "num_classes": 3, "image_px": 32}


def train(path: Path, **changed: object) -> tuple[DetectTask, TrainedDetector]:
    config = DetectorTrainingConfig(num_steps=4, batch_size=2, num_evaluations=2)
    item = DetectTask(
        item_id="detect-resnet-s0",
        name="resnet",
        genotype=None,
        spec=SPEC,
        detector=config_json(HEAD),
        recipe=config_json(config),
        seed=0,
        initial=None,
    ).model_copy(update=changed)
    folder = LocalFolder(path, box_arrays(SPLITS))
    return item, train_one_detector(item, SHARED, folder)  # type: ignore[arg-type]


def test_the_kept_weights_give_what_is_reported(tmp_path: Path) -> None:
    item, made = train(tmp_path)
    boxes = SHARED.boxes
    network = build(*design_of(item))
    detector = make_detector(network, HEAD, len(CLASSES), 32, boxes.mean, boxes.std)
    detector.load_state_dict(torch.load(tmp_path / made.weights.uri, weights_only=True))
    found = score_detections(SPLITS["test"], detect(detector, SPLITS["test"].images))
    assert (made.mean_ap, made.ap50) == (pytest.approx(found.mean_ap), pytest.approx(found.ap50))
    assert made.num_params == sum(each.numel() for each in detector.parameters())
    cost = cost_of(lambda: build(*design_of(item)), 32)
    assert (made.backbone_mult_adds, made.backbone_params) == (cost.mult_adds, cost.num_params)
    assert [point.step for point in made.curve] == [2, 4]
    assert made.curve[-1].mean_ap == pytest.approx(made.mean_ap)
    assert made.train_cpu_s == made.curve[-1].cpu_s > 0
    assert (tmp_path / made.picture.uri).read_bytes().startswith(b"\x89PNG")


def test_the_id_and_the_seed_decide_the_weights(tmp_path: Path) -> None:
    losses = []
    for number, changed in enumerate(({}, {}, {"seed": 1}, {"item_id": "other"})):
        (tmp_path / str(number)).mkdir()
        losses.append(train(tmp_path / str(number), **changed)[1].curve[-1].loss)
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_frozen_weights_stay_and_standardise_by_their_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = build(*design_of(train(tmp_path)[0])).state_dict()
    torch.save(state, tmp_path / "first.pt")
    first = FileRef(uri="first.pt", sha256="0" * 64, num_bytes=1)
    standard = ((0.1, 0.2, 0.3), (0.7, 0.8, 0.9))
    (tmp_path / "kept.pt").unlink()
    _, made = train(tmp_path, initial=first, frozen_standard=standard)
    after = torch.load(tmp_path / made.weights.uri, weights_only=True)
    for name, value in state.items():
        if not name.startswith("classifier"):
            torch.testing.assert_close(after[f"backbone.network.{name}"], value, rtol=0, atol=0)
    trained = [name for name in after if not name.startswith("backbone.network")]
    assert made.num_params == sum(after[name].numel() for name in trained)
