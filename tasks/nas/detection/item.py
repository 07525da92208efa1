"""Trains and scores one detector."""

from __future__ import annotations

import time
from dataclasses import asdict

import torch
from torch import nn

from tasks.core.ports import ItemFolder
from tasks.nas.detection.config import DetectorConfig, DetectorTrainingConfig
from tasks.nas.detection.manifests import CurvePoint, DetectTask, TrainedDetector
from tasks.nas.detection.pictures import detection_sheet
from tasks.nas.detection.scoring import score_detections
from tasks.nas.detection.shared_boxes import SharedBoxes, shared_boxes
from tasks.nas.detection.training import detect, train_detector
from tasks.nas.models.cost import cost_of, num_params
from tasks.nas.training.networks import (
    begin,
    build,
    design_of,
    lay_out,
    plain_state,
    seed_of,
    seeded,
    torch_device,
)

_WEIGHTS, _PICTURE = "detector.pt", "detections.png"
_NUM_SHOWN = 8


def train_one_detector(
    item: DetectTask, shared: SharedBoxes, folder: ItemFolder
) -> TrainedDetector:
    """Train a detector, keep its weights, and score it on the test images on the way.

    One that was cut off goes on after its last score.

    Raises:
        DataError: It diverged.
        ConfigError: The backbone has no map of a stride that is asked for.
    """
    train, test = (shared_boxes(folder, shared.boxes, name) for name in ("train", "test"))
    device, seed = torch_device(shared.device), seed_of(item)
    detector = seeded(lambda: _make(item, shared, folder), seed)

    def scores(_: int) -> dict[str, float]:
        found = score_detections(test, detect(detector, test.images, device))
        return {"mean_ap": found.mean_ap, "ap50": found.ap50}

    config = DetectorTrainingConfig(**item.recipe)
    points = train_detector(detector, train, config, seed, scores, device, folder)
    curve = tuple(
        CurvePoint(step=each.step, loss=each.losses["loss"], cpu_s=each.cpu_s, **each.values)
        for each in points
    )
    begun_s = time.process_time()
    detections = detect(detector, test.images, device)
    image_cpu_s = (time.process_time() - begun_s) / len(test)
    torch.save(plain_state(detector), folder.path / _WEIGHTS)
    sheet = detection_sheet(test, detections, _NUM_SHOWN, item.name)
    (folder.path / _PICTURE).write_bytes(sheet)
    backbone = cost_of(lambda: build(*design_of(item)), shared.boxes.side_px)
    return TrainedDetector(
        item_id=item.item_id,
        **asdict(score_detections(test, detections)),
        curve=curve,
        num_params=num_params(detector),
        backbone_mult_adds=backbone.mult_adds,
        backbone_depthwise_share=backbone.depthwise_share,
        backbone_params=backbone.num_params,
        train_cpu_s=curve[-1].cpu_s,
        image_cpu_s=image_cpu_s,
        weights=folder.add(_WEIGHTS),
        picture=folder.add(_PICTURE),
    )


def _make(item: DetectTask, shared: SharedBoxes, folder: ItemFolder) -> nn.Module:
    """The detector before its training; what is drawn, by torch's generator."""
    # torchvision is loaded by the worker, not by the driver that names this module's function.
    from tasks.nas.detection.backbone import make_detector

    device, boxes = torch_device(shared.device), shared.boxes
    backbone = lay_out(begin(item, folder), device)
    if item.frozen_standard is not None:
        backbone.requires_grad_(False)
    mean, std = item.frozen_standard or (boxes.mean, boxes.std)
    detector: nn.Module = make_detector(
        backbone,
        DetectorConfig(**item.detector),
        len(boxes.classes),
        boxes.side_px,
        mean,
        std,
        keeps_statistics=item.initial is not None,
    )
    return detector.to(device)
