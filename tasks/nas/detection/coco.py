"""Reads detection data in COCO's format: a folder of images and one JSON of instances.

T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context" (2014); format at
cocodataset.org/#format-data. Images are brought to squares of one size: the longer side is scaled
to it, the rest is grey. Scores depend on ratios of areas, so they don't notice the scale.

Deviation: boxes that are narrower than a pixel of the original are left out with a warning; COCO
itself has a few. All else that is wrong is an error, since a data set of one's own that has it was
most likely converted wrongly.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.nas.detection.types import AnnotatedImages, Objects

_LOG = logging.getLogger(__name__)
_NUM_NAMED = 5
_SLACK_PX = 1.0  # how far a box may stand out; annotation tools round
_MIN_BOX_PX = 1.0
_GREY = 114  # of the padding


@dataclass(frozen=True)
class _Picture:
    """One entry of ``images``, and its annotations."""

    path: Path
    width: int
    height: int
    annotations: Sequence[Mapping[str, Any]]


def read_coco(
    folder: Path, annotations: Path, side_px: int, num_images: int = 0
) -> AnnotatedImages:
    """Read images with their boxes.

    Args:
        folder: Holds the images; ``file_name`` is relative to it.
        annotations: ``instances_*.json``.
        side_px: Side that images are brought to.
        num_images: Images, by id; 0 for all.

    Raises:
        DataError: The JSON is not COCO's, or names a category or an image that doesn't exist, or
            a box lies outside; the first of them are named.
    """
    document = _document(annotations)
    categories = _categories(document, annotations)
    pictures = _pictures(document, folder)
    _raise_if_any(_problems(document, categories, pictures), annotations)
    chosen = [pictures[key] for key in sorted(pictures)][: num_images or None]
    if not chosen:
        raise DataError(f"{annotations}: expected images, got none")
    labels = {key: index for index, key in enumerate(categories)}
    images = np.full((len(chosen), side_px, side_px, 3), _GREY, np.uint8)
    objects = []
    for index, picture in enumerate(chosen):
        scale = _draw_into(images[index], picture)
        objects.append(_objects(picture, labels, scale))
    names = tuple(str(name) for name in categories.values())
    return AnnotatedImages.of(names, images, objects)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: expected COCO instances as JSON: {error}") from error
    wanted = ("images", "annotations", "categories")
    if not isinstance(document, dict) or any(
        not isinstance(document.get(name), list) for name in wanted
    ):
        raise DataError(
            f"{path}: expected an object with the lists {', '.join(wanted)}, as COCO's "
            "instances_*.json has them"
        )
    _check_fields(document["images"], ("id", "file_name", "width", "height"), "images", path)
    _check_fields(document["annotations"], ("image_id", "category_id", "bbox"), "annotations", path)
    _check_fields(document["categories"], ("id", "name"), "categories", path)
    return document


def _check_fields(rows: Sequence[Any], names: Sequence[str], part: str, path: Path) -> None:
    for index, row in enumerate(rows):
        missing = [n for n in names if not isinstance(row, dict) or n not in row]
        if missing:
            raise DataError(f"{path}: {part}[{index}] has no {missing[0]!r}")


def _categories(document: Mapping[str, Any], path: Path) -> dict[int, str]:
    """Names by COCO's ids, which have gaps, in ascending order."""
    categories = {each["id"]: each["name"] for each in document["categories"]}
    if not categories or len(categories) < len(document["categories"]):
        raise DataError(f"{path}: expected categories with ids of their own")
    return dict(sorted(categories.items()))


def _pictures(document: Mapping[str, Any], folder: Path) -> dict[int, _Picture]:
    by_image: dict[int, list[Any]] = {}
    for each in document["annotations"]:
        by_image.setdefault(each["image_id"], []).append(each)
    return {
        each["id"]: _Picture(
            folder / each["file_name"], each["width"], each["height"], by_image.get(each["id"], [])
        )
        for each in document["images"]
    }


def _problems(
    document: Mapping[str, Any], categories: Mapping[int, str], pictures: Mapping[int, _Picture]
) -> list[str]:
    found = [
        f"image {picture.path} is missing"
        for picture in pictures.values()
        if not picture.path.is_file()
    ]
    for index, each in enumerate(document["annotations"]):
        where = f"annotation {each.get('id', index)}"
        if each["image_id"] not in pictures:
            found.append(f"{where} names image {each['image_id']}, which is not listed")
        elif each["category_id"] not in categories:
            found.append(
                f"{where} has the unknown category {each['category_id']}; expected one of "
                f"{', '.join(map(str, categories))}"
            )
        else:
            found += _box_problems(each["bbox"], pictures[each["image_id"]], where)
    return found


def _box_problems(bbox: Any, picture: _Picture, where: str) -> list[str]:
    is_box = isinstance(bbox, list) and len(bbox) == 4
    if not is_box or not all(isinstance(v, int | float) and math.isfinite(v) for v in bbox):
        return [f"{where}: expected a box [x, y, width, height], got {bbox}"]
    x, y, width, height = bbox
    low, right, bottom = -_SLACK_PX, picture.width + _SLACK_PX, picture.height + _SLACK_PX
    if min(x, y) < low or x + width > right or y + height > bottom or min(width, height) < 0:
        size = f"{picture.width} x {picture.height}"
        return [f"{where}: box {bbox} lies outside of {picture.path.name}, which is {size} px"]
    return []


def _raise_if_any(problems: Sequence[str], path: Path) -> None:
    if problems:
        more = f"; and {len(problems) - _NUM_NAMED} more" if len(problems) > _NUM_NAMED else ""
        raise DataError(f"{path}: {'; '.join(problems[:_NUM_NAMED])}{more}")


def _draw_into(canvas: npt.NDArray[np.uint8], picture: _Picture) -> float:
    """Draw an image into the upper left corner of a square; returns its scale.

    Raises:
        DataError: It can't be read, or isn't of the size that was announced.
    """
    image = cv2.imread(str(picture.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise DataError(f"{picture.path}: expected an image that can be read")
    height, width = image.shape[:2]
    if (width, height) != (picture.width, picture.height):
        raise DataError(
            f"{picture.path}: expected {picture.width} x {picture.height} px as its entry says, "
            f"got {width} x {height}"
        )
    scale = float(len(canvas) / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    canvas[: size[1], : size[0]] = resized[..., ::-1]
    return scale


def _objects(picture: _Picture, labels: Mapping[int, int], scale: float) -> Objects:
    limits = np.array([picture.width, picture.height] * 2)
    boxes, kept = [], []
    for each in picture.annotations:
        x, y, width, height = each["bbox"]
        if min(width, height) < _MIN_BOX_PX:
            _LOG.warning("%s: box %s is too narrow, left out", picture.path.name, each["bbox"])
            continue
        boxes.append(np.clip([x, y, x + width, y + height], 0, limits) * scale)
        kept.append(each)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([labels[each["category_id"]] for each in kept], np.int64),
        np.array([bool(each.get("iscrowd", 0)) for each in kept], bool),
    )
