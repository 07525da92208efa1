"""Images with boxes, wherever they come from, and what can be wrong with them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.detection.manifests import BoxData
from tasks.nas.detection.prepare import prepare_boxes
from tasks.nas.detection.scenes import CLASSES, draw_scenes
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.transfer.config import PrepareTransferConfig
from tests.support.nas.coco_files import write_coco


def prepared(tmp_path: Path, boxes: BoxesConfig, seed: int = 0) -> BoxData | None:
    local = LocalRun(tmp_path / "store", seed=seed)
    return prepare_boxes(boxes, local.context(prepare_transfer, config=PrepareTransferConfig()))


def test_scenes_are_drawn_by_the_seed_and_differ_between_the_splits(tmp_path: Path) -> None:
    config = BoxesConfig(side_px=32, num_train=4, num_test=3)
    first, again, other = (prepared(tmp_path / str(k), config, seed=k // 2) for k in (0, 1, 2))
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.name, first.classes, first.side_px) == ("scenes", CLASSES, 32)
    assert (first.train.num_images, first.test.num_images) == (4, 3)
    assert _content(first) == _content(again)
    assert first.train.images.sha256 != other.train.images.sha256
    both = {image.tobytes() for part in ("train", "test") for image in _pixels(tmp_path, part)}
    assert len(both) == 7


def _content(found: BoxData) -> str:
    """All of it but the places of its files, which are those of one run."""
    return re.sub(r'"uri":"[^"]*"', "", found.model_dump_json())


def _pixels(tmp_path: Path, part: str) -> np.ndarray:
    (path,) = (tmp_path / "0").rglob(f"boxes_{part}_images.npy")
    return np.load(path)


def test_none_are_asked_for(tmp_path: Path) -> None:
    assert prepared(tmp_path, BoxesConfig(kind="none")) is None
    with pytest.raises(ConfigError, match="num_train and num_test above 0"):
        prepared(tmp_path, BoxesConfig(num_test=0))


def test_coco_files_are_read(tmp_path: Path) -> None:
    files = {}
    for part, num in (("train", 5), ("test", 3)):
        files[f"{part}_images"] = str(tmp_path / part)
        written = write_coco(draw_scenes(num, 48, num), tmp_path / part)
        files[f"{part}_annotations"] = str(written)
    boxes = BoxesConfig(kind="coco", side_px=32, num_train=0, num_test=0, **files)
    found = prepared(tmp_path, boxes)
    assert found is not None
    assert (found.name, found.side_px) == ("test", 32)
    assert (found.train.num_images, found.test.num_images) == (5, 3)
    (tmp_path / "test" / "000000.png").unlink()
    found = prepared(tmp_path, replace(boxes, max_skipped_fraction=0.4))
    assert found is not None
    assert (found.test.num_images, len(found.skipped)) == (2, 1)


def test_coco_files_of_different_categories_are_refused(tmp_path: Path) -> None:
    train = write_coco(draw_scenes(2, 32, 0), tmp_path / "train")
    test = write_coco(draw_scenes(2, 32, 1), tmp_path / "test")
    document = json.loads(test.read_text())
    document["categories"][0]["name"] = "blob"
    test.write_text(json.dumps(document))
    boxes = BoxesConfig(
        kind="coco",
        train_images=str(train.parent),
        train_annotations=str(train),
        test_images=str(test.parent),
        test_annotations=str(test),
    )
    with pytest.raises(ConfigError, match="differ in their categories"):
        prepared(tmp_path, boxes)


@pytest.mark.parametrize("part", ["train", "test"])
def test_coco_files_without_objects_are_refused(tmp_path: Path, part: str) -> None:
    """Precision over no objects is no number."""
    files = {}
    for each in ("train", "test"):
        files[f"{each}_images"] = str(tmp_path / each)
        written = write_coco(draw_scenes(2, 32, 0), tmp_path / each)
        files[f"{each}_annotations"] = str(written)
        document = json.loads(written.read_text())
        for annotation in document["annotations"] if each == part else ():
            annotation["iscrowd"] = 1
        written.write_text(json.dumps(document))
    with pytest.raises(DataError, match=f"{part}/instances.json: expected objects in the 2 images"):
        prepared(tmp_path, BoxesConfig(kind="coco", side_px=32, **files))


def test_coco_needs_all_four_places(tmp_path: Path) -> None:
    boxes = BoxesConfig(kind="coco", train_images=str(tmp_path))
    with pytest.raises(ConfigError, match=r"boxes\.train_annotations is empty"):
        prepared(tmp_path, boxes)
