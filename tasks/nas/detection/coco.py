"""Reads detection data in COCO's format: a folder of images and one JSON of instances.

T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context" (2014); format at
cocodataset.org/#format-data. Images are brought to squares of one size: the longer side is scaled
to it, the rest is grey. Scores depend on ratios of areas, so they don't notice the scale.

Deviation: boxes that are narrower than a pixel, once scaled, are left out and counted; COCO itself
has such. An image that can't be used, or that has an annotation which can't be true, is left out
and named; many of them are an error, since a data set of one's own that has them was most likely
converted wrongly. No file outside of the folder is read.

Sizes and boxes are those of the pixels as they are stored, whatever the EXIF orientation says: so
COCO's own tools read them. Only where an entry's size is that of the turned image and not of the
stored one were its boxes drawn on the turned one, which is read then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.documents import read_json
from tasks.intake.images import decode_rgb, read_image_bytes
from tasks.intake.memory import check_room
from tasks.intake.skips import MAX_SKIPPED_FRACTION, check_few
from tasks.nas.detection.types import AnnotatedImages, Objects

_MAX_FILE_BYTES = 2_000_000_000  # COCO's own largest has 0.5 GB
_MAX_SIDE_PX = 100_000
_SLACK_PX = 1.0  # how far a box may stand out; annotation tools round
_MIN_BOX_PX = 1.0  # of a side, after scaling: less can't be seen, nor be an anchor's target
_MAX_NUMBER = 1e9
_GREY = 114  # of the padding

_Key = int | str
_Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Picture:
    """One entry of ``images``, and its annotations."""

    path: Path
    width: int
    height: int
    annotations: Sequence[_Row]


def read_coco(
    folder: Path,
    annotations: Path,
    side_px: int,
    num_images: int = 0,
    max_skipped_fraction: float = MAX_SKIPPED_FRACTION,
) -> AnnotatedImages:
    """Read images with their boxes.

    Args:
        folder: Holds the images; ``file_name`` is relative to it.
        annotations: ``instances_*.json``.
        side_px: Side that images are brought to.
        num_images: Images, by id; 0 for all.
        max_skipped_fraction: Greatest part that may be unusable, in [0, 1]: of the entries that
            are listed, and of the images that are read.

    Raises:
        DataError: The JSON is not COCO's, or too many images can't be used: they are missing or
            damaged, share an id, or have an unknown category or a box that lies outside; the first
            are named.
        ResourceError: The images don't fit into memory.
    """
    document = _document(annotations)
    categories = _categories(document, annotations)
    by_image, orphans = _by_image(document)
    pictures, skipped = _pictures(document, by_image, folder, categories)
    listed, what = len(document["images"]), f"images of {annotations}"
    check_few(skipped, listed, what, max_skipped_fraction)
    boxes = f"annotations of {annotations}"
    check_few(orphans, len(document["annotations"]), boxes, max_skipped_fraction)
    chosen = dict(sorted(pictures.items(), key=lambda each: each[0])[: num_images or None])
    if not chosen:
        raise DataError(f"{annotations}: expected images, got none")
    check_room(len(chosen) * side_px**2 * 3, f"{annotations}: {len(chosen):,} images")
    found, damaged = _drawn(chosen, folder, categories, side_px)
    # Of those that were to be read: a few of many that are listed may all be damaged.
    check_few(damaged, len(chosen), what, max_skipped_fraction)
    return replace(found, skipped=(*skipped, *damaged, *orphans))


def _drawn(
    chosen: Mapping[_Key, _Picture], folder: Path, categories: Mapping[_Key, str], side_px: int
) -> tuple[AnnotatedImages, list[Skipped]]:
    """The images at their size with their objects; and those that can't be read."""
    labels = {key: index for index, key in enumerate(categories)}
    images = np.full((len(chosen), side_px, side_px, 3), _GREY, np.uint8)
    objects: list[Objects] = []
    skipped, num_small = [], 0
    for key, picture in chosen.items():
        try:
            scale = _draw_into(images[len(objects)], picture, folder)
        except DataError as error:
            skipped.append(_skipped(f"image {key}", str(error).replace(f"{folder}/", "")))
            continue
        objects.append(_objects(picture, labels, scale))
        num_small += len(picture.annotations) - len(objects[-1])
    names = tuple(str(name) for name in categories.values())
    found = AnnotatedImages.of(names, images[: len(objects)], objects)
    return replace(found, num_small=num_small), skipped


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path, _MAX_FILE_BYTES, "COCO instances as JSON")
    wanted = ("images", "annotations", "categories")
    if not isinstance(document, dict) or any(
        not isinstance(document.get(name), list) for name in wanted
    ):
        raise DataError(
            f"{path}: expected an object with the lists {', '.join(wanted)}, as COCO's "
            "instances_*.json has them"
        )
    _check_fields(document["images"], ("id", "file_name", "width", "height"), "images", path)
    _check_fields(document["annotations"], ("image_id", "category_id"), "annotations", path)
    _check_fields(document["categories"], ("id", "name"), "categories", path)
    return document


def _check_fields(rows: Sequence[Any], names: Sequence[str], part: str, path: Path) -> None:
    for index, row in enumerate(rows):
        missing = [n for n in names if not isinstance(row, dict) or n not in row]
        if missing:
            raise DataError(f"{path}: {part}[{index}] has no {missing[0]!r}")
        for name in names:
            if name.endswith("id") and type(row[name]) not in (int, str):
                raise DataError(
                    f"{path}: {part}[{index}].{name}: expected a number or a text, got "
                    f"{_short(row[name])}"
                )
    if len({type(row["id"]) for row in rows if part != "annotations"}) > 1:
        raise DataError(f"{path}: expected ids of {part} that are all numbers, or all texts")


def _categories(document: Mapping[str, Any], path: Path) -> dict[_Key, str]:
    """Names by COCO's ids, which have gaps, in ascending order."""
    categories = {each["id"]: each["name"] for each in document["categories"]}
    if not categories or len(categories) < len(document["categories"]):
        raise DataError(f"{path}: expected categories with ids of their own")
    if not all(isinstance(name, str | int) for name in categories.values()):
        raise DataError(f"{path}: expected categories whose names are texts")
    name, times = Counter(map(str, categories.values())).most_common(1)[0]
    if times > 1:
        raise DataError(f"{path}: {times} categories are called {_short(name)!r}: name them apart")
    return dict(sorted(categories.items()))


def _by_image(document: Mapping[str, Any]) -> tuple[dict[_Key, list[_Row]], list[Skipped]]:
    """Annotations by the id of their image; and those of images that are not listed."""
    by_image: dict[_Key, list[_Row]] = {each["id"]: [] for each in document["images"]}
    orphans = []
    for index, each in enumerate(document["annotations"]):
        if each["image_id"] in by_image:
            by_image[each["image_id"]].append(each)
        else:
            where = f"annotation {_short(each.get('id', index))}"
            reason = f"{where} names image {_quoted(each['image_id'])}, which is not listed"
            orphans.append(_skipped(where, reason))
    return by_image, orphans


def _pictures(
    document: Mapping[str, Any],
    by_image: Mapping[_Key, Sequence[_Row]],
    folder: Path,
    categories: Mapping[_Key, str],
) -> tuple[dict[_Key, _Picture], list[Skipped]]:
    """The images that look usable; and the others, with their reasons."""
    times = Counter(each["id"] for each in document["images"])
    pictures, skipped = {}, []
    for entry in document["images"]:
        key = entry["id"]
        problem = (
            _id_problem(key, times[key])
            or _entry_problem(entry, folder)
            or _annotation_problem(by_image[key], entry, categories)
        )
        if problem:
            skipped.append(_skipped(f"image {key}", problem))
        else:
            size = entry["width"], entry["height"]
            pictures[key] = _Picture(folder / entry["file_name"], *size, by_image[key])
    return pictures, skipped


def _skipped(item_id: str, reason: str) -> Skipped:
    return Skipped(item_id=shown(item_id)[:200], reason=shown(reason))


def _id_problem(key: _Key, times: int) -> str:
    """Whether an id is shared: whose its boxes are, nobody can tell; empty if it is not."""
    return f"{times} images have the id {_short(key)}: give each its own" if times > 1 else ""


def _entry_problem(entry: _Row, folder: Path) -> str:
    """Why an entry of ``images`` can't be used; empty if it can."""
    name = entry["file_name"]
    if not isinstance(name, str) or not name or "\0" in name:
        return f"expected a file_name, got {_short(name)!r}"
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return f"image {_short(name)} lies outside of the folder: name it relative to that"
    for side in ("width", "height"):
        if type(entry[side]) is not int or not 0 < entry[side] <= _MAX_SIDE_PX:
            return f"image {name}: expected its {side} in px, got {_quoted(entry[side])}"
    try:
        is_there = (folder / name).is_file()
    except OSError as error:
        return f"image {_short(name)} can't be read: {error.strerror}"
    return "" if is_there else f"image {name} is missing: restore it or take its entry out"


def _annotation_problem(
    annotations: Sequence[_Row], entry: _Row, categories: Mapping[_Key, str]
) -> str:
    """What can't be true of an image's annotations; empty if all can."""
    for index, each in enumerate(annotations):
        where = f"annotation {_short(each.get('id', index))}"
        if each["category_id"] not in categories:
            return (
                f"{where} has the unknown category {_quoted(each['category_id'])}; expected one of "
                f"{_short(', '.join(map(_quoted, categories)))}"
            )
        if each.get("iscrowd") not in (0, 1, None):
            return f"{where}: expected iscrowd of 0 or 1, got {_short(each['iscrowd'])}"
        if problem := _box_problem(each.get("bbox"), entry, where):
            return problem
    return ""


def _box_problem(bbox: Any, entry: _Row, where: str) -> str:
    is_box = isinstance(bbox, list) and len(bbox) == 4
    if not is_box or not all(isinstance(v, int | float) and abs(v) < _MAX_NUMBER for v in bbox):
        return f"{where}: expected a box [x, y, width, height], got {_short(bbox)}"
    x, y, width, height = bbox
    low, right, bottom = -_SLACK_PX, entry["width"] + _SLACK_PX, entry["height"] + _SLACK_PX
    if min(x, y) < low or x + width > right or y + height > bottom or min(width, height) < 0:
        size = f"{entry['width']} x {entry['height']}"
        return f"{where}: box {bbox} lies outside of {entry['file_name']}, which is {size} px"
    return ""


def _quoted(value: object) -> str:
    """The same, in quotes if it is a text: '7' is not 7."""
    return repr(_short(value)) if isinstance(value, str) else _short(value)


def _short(value: object) -> str:
    """A value as text, cut where it is long."""
    try:
        text = str(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 200 else f"{text[:200]}…"


def _draw_into(canvas: npt.NDArray[np.uint8], picture: _Picture, folder: Path) -> float:
    """Draw an image into the upper left corner of a square; returns its scale.

    Raises:
        DataError: It can't be read, isn't of the size that was announced, or is a link out of
            the folder.
    """
    if not picture.path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{picture.path} is a link out of the folder; put the file itself there")
    image = _decoded(picture)
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
    canvas[: size[1], : size[0]] = resized
    return scale


def _decoded(picture: _Picture) -> npt.NDArray[np.uint8]:
    """Pixels of an image, (h, w, 3), RGB, turned only if its entry's size says so."""
    path, size = picture.path, (picture.width, picture.height)
    try:
        data = read_image_bytes(path)
        image = decode_rgb(data, path.name)
        if image.size != size:
            upright = decode_rgb(data, path.name, upright=True)
            image = upright if upright.size == size else image
    except DataError as error:
        raise DataError(f"{path}: expected an image that can be read: {error}") from error
    return np.asarray(image, np.uint8)


def _objects(picture: _Picture, labels: Mapping[_Key, int], scale: float) -> Objects:
    """Objects of an image, as it was scaled; those too narrow to be seen are left out."""
    limits = np.array([picture.width, picture.height] * 2)
    boxes, kept = [], []
    for each in picture.annotations:
        x, y, width, height = each["bbox"]
        box = np.clip([x, y, x + width, y + height], 0, limits) * scale
        if (box[2:] - box[:2]).min() >= _MIN_BOX_PX:
            boxes.append(box)
            kept.append(each)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([labels[each["category_id"]] for each in kept], np.int64),
        np.array([bool(each.get("iscrowd", 0)) for each in kept], bool),
    )
