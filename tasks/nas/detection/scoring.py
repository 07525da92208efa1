"""Mean average precision, as COCO defines it, by the library faster-coco-eval.

T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context" (2014), and cocodataset.org,
"Detection evaluation": AP is averaged over ten thresholds of intersection over union, 0.5 to
0.95, over 101 points of recall, and over the classes that occur; at most 100 detections of an
image count.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.nas.detection.types import AnnotatedImages, Detections

_LOG = logging.getLogger(__name__)
_ALL_AREAS, _MOST_DETECTIONS = 0, -1  # positions within the library's tables
RECALLS = np.linspace(0, 1, 101)
OVERLAPS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class DetectionScores:
    """How good detections are.

    Attributes:
        mean_ap: AP over IoU 0.5 to 0.95.
        ap50: AP at IoU 0.5.
        ap75: AP at IoU 0.75.
        ap_of_overlap: AP at each of `OVERLAPS`.
        precision50: Precision at each of `RECALLS`, IoU 0.5, mean over classes.
        ap50_of_class: AP at IoU 0.5 by name, of the classes that occur.
    """

    mean_ap: float
    ap50: float
    ap75: float
    ap_of_overlap: tuple[float, ...]
    precision50: tuple[float, ...]
    ap50_of_class: dict[str, float]


def score_detections(truth: AnnotatedImages, detections: Sequence[Detections]) -> DetectionScores:
    """Score what a detector says of each image.

    Args:
        truth: Images with their objects; at least one is no crowd.
        detections: One for each image, in order.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    if len(detections) != len(truth):
        raise ValueError(f"{len(detections)} detections for {len(truth)} images")
    known = COCO(coco_document(truth), print_function=_LOG.debug)
    said = known.loadRes(_results(detections))
    judge = COCOeval_faster(known, said, "bbox", print_function=_LOG.debug)
    judge.evaluate()
    judge.accumulate()
    precision = np.asarray(judge.eval["precision"])[..., _ALL_AREAS, _MOST_DETECTIONS]
    return _scores(precision, truth.classes)


def coco_document(images: AnnotatedImages) -> dict[str, Any]:
    """Objects as COCO's instances JSON has them; ids count from 1."""
    side = images.side_px
    return {
        "images": [
            {"id": index + 1, "file_name": f"{index:06d}.png", "width": side, "height": side}
            for index in range(len(images))
        ],
        "categories": [
            {"id": index + 1, "name": name} for index, name in enumerate(images.classes)
        ],
        "annotations": [
            {
                "id": index + 1,
                "image_id": int(images.owners[index]) + 1,
                "category_id": int(images.labels[index]) + 1,
                "bbox": _xywh(box),
                "area": float(np.prod(box[2:] - box[:2])),
                "iscrowd": int(images.is_crowd[index]),
            }
            for index, box in enumerate(images.boxes)
        ],
    }


def _results(detections: Sequence[Detections]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": index + 1,
            "category_id": int(label) + 1,
            "bbox": _xywh(box),
            "score": float(score),
        }
        for index, each in enumerate(detections)
        for box, label, score in zip(each.boxes, each.labels, each.scores, strict=True)
    ]


def _xywh(box: npt.NDArray[np.float32]) -> list[float]:
    x0, y0, x1, y1 = map(float, box)
    return [x0, y0, x1 - x0, y1 - y0]


def _scores(precision: npt.NDArray[np.float64], classes: Sequence[str]) -> DetectionScores:
    """Sum up the table (overlap, recall, class), -1 where a class has no objects."""
    occurs = precision.min(axis=(0, 1)) > -1
    of_overlap = precision[:, :, occurs].mean(axis=(1, 2))
    of_class = precision[0].mean(axis=0)
    return DetectionScores(
        mean_ap=float(of_overlap.mean()),
        ap50=float(of_overlap[0]),
        ap75=float(of_overlap[5]),
        ap_of_overlap=tuple(map(float, of_overlap)),
        precision50=tuple(map(float, precision[0][:, occurs].mean(axis=1))),
        ap50_of_class={
            name: float(of_class[index]) for index, name in enumerate(classes) if occurs[index]
        },
    )
