"""Files in COCO's format, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2

from tasks.nas.detection.scoring import coco_document
from tasks.nas.detection.types import AnnotatedImages


def write_coco(images: AnnotatedImages, folder: Path) -> Path:
    """Write images and their instances JSON into a folder; returns the path of the JSON."""
    document = coco_document(images)
    folder.mkdir(parents=True, exist_ok=True)
    for entry, picture in zip(document["images"], images.images, strict=True):
        cv2.imwrite(str(folder / entry["file_name"]), picture[..., ::-1])
    file = folder / "instances.json"
    file.write_text(json.dumps(document))
    return file


def from_lines(folder: Path, part: str, target: Path, num_images: int) -> Path:
    """Turn the lines of the real sample (one image a line) into instances JSON; its path."""
    names = json.loads((folder / "classes.json").read_text())
    rows = [json.loads(line) for line in (folder / f"{part}.jsonl").read_text().splitlines()]
    document: dict[str, list[Any]] = {"images": [], "annotations": []}
    document["categories"] = [{"id": int(key) + 1, "name": name} for key, name in names.items()]
    for number, row in enumerate(rows[:num_images], start=1):
        size = {"width": row["width"], "height": row["height"]}
        file_name = row["file"].partition("/")[2]
        document["images"].append({"id": number, "file_name": file_name, **size})
        for label, x0, y0, x1, y1 in row["boxes"]:
            bbox = [x0, y0, x1 - x0, y1 - y0]
            entry = {"image_id": number, "category_id": label + 1, "bbox": bbox, "iscrowd": 0}
            document["annotations"].append({"id": len(document["annotations"]) + 1, **entry})
    file = target / f"{part}.json"
    file.write_text(json.dumps(document))
    return file
