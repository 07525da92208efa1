"""Trains and scores one detector."""

from __future__ import annotations

import time
from dataclasses import asdict

import torch
from torch import nn

from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.nas.detection.backbone import make_detector
from tasks.nas.detection.pictures import detection_sheet
from tasks.nas.detection.recipe import DetectionRecipe, DetectorSettings
from tasks.nas.detection.scoring import score_detections
from tasks.nas.detection.settings import DetectionSettings, shared_boxes
from tasks.nas.detection.training import Progress, detect, train_detector
from tasks.nas.models.cost import cost_of, num_params
from tasks.nas.specs import BaselineSpec, NetworkSpec
from tasks.nas.training.item import plain_state
from tasks.nas.training.networks import build, lay_out
from tasks.nas.transfer_manifests import CurvePoint, DetectTask, TrainedDetector
from tasks.nas.types import Genotype

_WEIGHTS, _PICTURE = "detector.pt", "detections.png"
_NUM_SHOWN = 8
_CLASSIFIERS = ("classifier.", "auxiliary.")


def train_one_detector(
    item: DetectTask, config: DetectionSettings, folder: ItemFolder
) -> TrainedDetector:
    """Train a detector, keep its weights, and score it on the test images on the way.

    Raises:
        DataError: It diverged.
        ConfigError: No map of the backbone is as coarse as the finest that is asked for.
    """
    train, test = (shared_boxes(folder, config.boxes, name) for name in ("train", "test"))
    seed = digest64(f"{item.item_id}/{item.seed}") >> 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = _build(item, config, folder)
    curve: list[CurvePoint] = []

    def score(progress: Progress) -> None:
        found = score_detections(test, detect(detector, test.images, config.torch_device))
        curve.append(CurvePoint(**asdict(progress), mean_ap=found.mean_ap, ap50=found.ap50))

    recipe = DetectionRecipe(**item.recipe)
    train_detector(detector, train, recipe, seed, score, config.torch_device)
    begun_s = time.process_time()
    detections = detect(detector, test.images, config.torch_device)
    image_cpu_s = (time.process_time() - begun_s) / len(test)
    torch.save(plain_state(detector), folder.path / _WEIGHTS)
    sheet = detection_sheet(test, detections, _NUM_SHOWN, item.name)
    (folder.path / _PICTURE).write_bytes(sheet)
    backbone = cost_of(lambda: build(*_parts(item)), config.boxes.side_px)
    return TrainedDetector(
        item_id=item.item_id,
        **asdict(score_detections(test, detections)),
        curve=tuple(curve),
        num_params=num_params(detector),
        backbone_mult_adds=backbone.mult_adds,
        backbone_params=backbone.num_params,
        train_cpu_s=curve[-1].cpu_s,
        image_cpu_s=image_cpu_s,
        weights=folder.add(_WEIGHTS),
        picture=folder.add(_PICTURE),
    )


def _build(item: DetectTask, config: DetectionSettings, folder: ItemFolder) -> nn.Module:
    network = build(*_parts(item))
    if item.initial is not None:
        state = torch.load(folder.fetch(item.initial), weights_only=True)
        kept = {name: v for name, v in state.items() if not name.startswith(_CLASSIFIERS)}
        network.load_state_dict(kept, strict=False)
    network = lay_out(network, config.torch_device)
    boxes = config.boxes
    settings = DetectorSettings(**item.detector)
    detector = make_detector(
        network, settings, len(boxes.classes), boxes.side_px, boxes.mean, boxes.std
    )
    placed: nn.Module = detector.to(config.torch_device)
    return placed


def _parts(item: DetectTask) -> tuple[Genotype | None, NetworkSpec | BaselineSpec]:
    """Genotype and spec of the backbone."""
    if item.genotype is None:
        return None, BaselineSpec(**item.spec)
    return item.genotype.genotype(item.item_id), NetworkSpec(**item.spec)
