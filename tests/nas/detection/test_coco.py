"""COCO's format: read back what was written, real pictures, and everything that can be wrong."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from tasks.core.errors import DataError
from tasks.nas.detection.coco import read_coco
from tasks.nas.detection.scenes import draw_scenes
from tests.support.hostile.odd_images import ODD
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.nas.coco_files import from_lines, write_coco
from tests.support.real_data import real_data

scenes = functools.cache(draw_scenes)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    images = scenes(5, 64, 0)
    file = write_coco(images, tmp_path)
    found = read_coco(tmp_path, file, 64)
    assert found.classes == images.classes
    np.testing.assert_array_equal(found.images, images.images)
    np.testing.assert_allclose(found.boxes, images.boxes)
    np.testing.assert_array_equal(found.labels, images.labels)
    np.testing.assert_array_equal(found.owners, images.owners)
    assert len(read_coco(tmp_path, file, 64, num_images=2)) == 2


def test_boxes_follow_the_scale_and_the_rest_is_grey(tmp_path: Path) -> None:
    picture = np.full((20, 40, 3), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    document = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 20}],
        "categories": [{"id": 90, "name": "late"}, {"id": 3, "name": "early"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [10, 5, 20, 10], "iscrowd": 1},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 40.5, 20], "iscrowd": 0},
            {"id": 3, "image_id": 7, "category_id": 3, "bbox": [4, 4, 0.2, 9], "iscrowd": 0},
        ],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document))
    found = read_coco(tmp_path, file, 80)
    assert found.classes == ("early", "late")
    np.testing.assert_allclose(found.boxes, [[20, 10, 60, 30], [0, 0, 80, 40]])
    assert found.labels.tolist() == [1, 0]
    assert found.is_crowd.tolist() == [True, False]
    assert (found.images[0, :40] == 255).all()
    assert (found.images[0, 40:] == 114).all()


def _absent_image(document: Any) -> None:
    document["images"][1]["file_name"] = "gone.png"


def _unlisted_image(document: Any) -> None:
    document["annotations"][0]["image_id"] = 999


def _outside(document: Any) -> None:
    document["annotations"][0]["bbox"] = [50, 50, 40, 10]


def _not_a_box(document: Any) -> None:
    document["annotations"][0]["bbox"] = [1, 2, 3]


def _unknown_category(document: Any) -> None:
    document["annotations"][0]["category_id"] = 77


def _texts_for_numbers(document: Any) -> None:
    document["annotations"][0]["category_id"] = "1"
    document["images"][1]["width"] = "64"


def _wrong_size(document: Any) -> None:
    document["images"][0]["width"] = 65


def _no_file_name(document: Any) -> None:
    del document["images"][2]["file_name"]


def _no_list(document: Any) -> None:
    document["categories"] = {}


def _no_categories(document: Any) -> None:
    document["categories"] = []


def _no_images(document: Any) -> None:
    document["images"], document["annotations"] = [], []


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_absent_image, r"image .*gone.png is missing"),
        (_unlisted_image, r"annotation 1 names image 999, which is not listed"),
        (_outside, r"annotation 1: box \[50, 50, 40, 10\] lies outside of 000000.png.* 64 x 64"),
        (_not_a_box, r"expected a box \[x, y, width, height\], got \[1, 2, 3\]"),
        (_unknown_category, r"annotation 1 has the unknown category 77; expected one of 1, 2"),
        (_texts_for_numbers, r"unknown category '1'; expected one of 1, 2.*in px, got '64'"),
        (_wrong_size, r"expected 65 x 64 px as its entry says, got 64 x 64"),
        (_no_file_name, r"images\[2\] has no 'file_name'"),
        (_no_list, r"expected an object with the lists images, annotations, categories"),
        (_no_categories, r"expected categories with ids of their own"),
        (_no_images, r"expected images, got none"),
    ],
)
def test_wrong_files_are_refused_with_the_reason(
    tmp_path: Path, spoil: Callable[[Any], None], complaint: str
) -> None:
    file = write_coco(scenes(3, 64, 0), tmp_path)
    document = json.loads(file.read_text())
    spoil(document)
    file.write_text(json.dumps(document))
    with pytest.raises(DataError, match=complaint):
        read_coco(tmp_path, file, 64, max_skipped_fraction=0)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="expected COCO instances as JSON"):
        read_coco(tmp_path, tmp_path / "a.json", 64)


def test_an_image_that_is_cut_short_is_named(tmp_path: Path) -> None:
    file = write_coco(scenes(2, 64, 0), tmp_path)
    (tmp_path / "000001.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"000001\.png: expected an image that can be read"):
        read_coco(tmp_path, file, 64, max_skipped_fraction=0)


def test_real_pictures_are_read(tmp_path: Path) -> None:
    folder = real_data("coco256")
    file = from_lines(folder, "val2017", tmp_path, num_images=12)
    found = read_coco(folder / "val2017", file, 128)
    assert found.images.shape == (12, 128, 128, 3)
    assert len(found.classes) == 80
    assert len(found.boxes) > 12
    assert found.boxes.max() <= 128


def _set(part: str, index: int, **values: Any) -> Callable[[Any], None]:
    def spoil(document: Any) -> None:
        document[part][index].update(values)

    return spoil


# What makes one image of many unusable: it is left out, and the rest goes on.
ODD_ENTRIES: dict[str, Callable[[Any], None]] = {
    "a name that leads out": _set("images", 0, file_name="../outside/secret.png"),
    "an absolute name": _set("images", 0, file_name="/dev/zero"),
    "a name that is a number": _set("images", 0, file_name=7),
    "a name with a zero byte": _set("images", 0, file_name="a\0b.png"),
    "a name of 5,000 characters": _set("images", 0, file_name="n" * 5000),
    "a name that is half a character": _set("images", 0, file_name="\ud800.png"),
    "a name that is empty": _set("images", 0, file_name=""),
    "a size below 0": _set("images", 0, width=-64),
    "a size of 400 digits": _set("images", 0, width=10**400),
    "a size that is a text": _set("images", 0, height="64"),
    "a size that is a fraction": _set("images", 0, height=64.5),
    "a size that is true": _set("images", 0, height=True),
    "a box that isn't there": lambda document: document["annotations"][0].pop("bbox"),
    "a crowd that is a text": _set("annotations", 0, iscrowd="0"),
    "a box of 400 digits": _set("annotations", 0, bbox=[10**400, 0, 1, 1]),
    "a box of texts": _set("annotations", 0, bbox=["0", "0", "1", "1"]),
    "a box that is a mapping": _set("annotations", 0, bbox={"x": 0}),
    "a box of 10,000 numbers": _set("annotations", 0, bbox=[0] * 10_000),
    "a category of 400 digits": _set("annotations", 0, category_id=10**400),
    "a category that is a text": _set("annotations", 0, category_id="1"),
    "an id that is a mapping": _set("annotations", 0, id={}, bbox=[1]),
}
# What says that the file as a whole is wrong.
ODD_DOCUMENTS: dict[str, Callable[[Any], None]] = {
    "an id that is a list": _set("images", 0, id=[1]),
    "an id that is nothing": _set("annotations", 0, image_id=None),
    "ids of two kinds": _set("images", 0, id="1"),
    "a category's id that is a mapping": _set("categories", 0, id={}),
    "a category's name that is a list": _set("categories", 0, name=[]),
    "two categories of one name": _set("categories", 0, name="ring"),
    "an entry that is a number": lambda document: document["images"].__setitem__(0, 5),
    "an entry that is nothing": lambda document: document["annotations"].__setitem__(0, None),
    "categories that are a text": lambda document: document.update(categories="cat"),
}


def _spoiled(folder: Path, spoil: Callable[[Any], None], num_images: int) -> Path:
    file = write_coco(scenes(num_images, 32, 0), folder)
    document = json.loads(file.read_text())
    spoil(document)
    file.write_text(json.dumps(document))
    return file


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ODD_ENTRIES)
def test_an_image_with_an_odd_entry_is_left_out(tmp_path: Path, kind: str) -> None:
    (tmp_path / "outside").mkdir()
    cv2.imwrite(str(tmp_path / "outside" / "secret.png"), np.zeros((32, 32, 3), np.uint8))
    file = _spoiled(tmp_path / "data", ODD_ENTRIES[kind], 24)
    found = read_coco(tmp_path / "data", file, 32)
    assert len(found) == 23
    (skipped,) = found.skipped
    check_sentence(skipped.reason)
    assert skipped.model_dump_json()


def test_images_of_one_id_are_left_out_with_their_boxes(tmp_path: Path) -> None:
    """The boxes of one of them would otherwise lie on the other."""
    file = _spoiled(tmp_path, _set("images", 0, id=2), 60)
    whole = scenes(60, 32, 0)
    found = read_coco(tmp_path, file, 32, max_skipped_fraction=0.1)
    np.testing.assert_array_equal(found.images, whole.images[2:])
    np.testing.assert_allclose(found.boxes, whole.boxes[whole.owners > 1])
    reasons = [each.reason for each in found.skipped]
    assert reasons[:2] == ["2 images have the id 2: give each its own"] * 2
    assert len(reasons) == 2 + len(whole.objects(0))
    assert "names image 1, which is not listed" in reasons[2]


def test_a_share_of_images_may_be_unusable(tmp_path: Path) -> None:
    file = _spoiled(tmp_path, _set("annotations", 0, bbox=[10, 10, 24, 5]), 4)
    found = read_coco(tmp_path, file, 32)
    assert len(found) == 3
    assert "lies outside of 000000.png" in found.skipped[0].reason
    (tmp_path / "000001.png").unlink()
    with pytest.raises(
        DataError, match=r"at most 5% of 4 may be left out \(max_skipped_fraction\)"
    ):
        read_coco(tmp_path, file, 32)
    assert len(read_coco(tmp_path, file, 32, max_skipped_fraction=0.5)) == 2


@pytest.mark.parametrize(("size", "is_turned"), [((60, 40), False), ((40, 60), True)])
def test_the_size_of_an_entry_says_whether_its_image_is_turned(
    tmp_path: Path, size: tuple[int, int], is_turned: bool
) -> None:
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[:, :30] = 255
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6  # the left is shown at the top
    Image.fromarray(stored).save(tmp_path / "a.png", exif=tags)
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}],
        "categories": [{"id": 1, "name": "white"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 30, 30]}],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document))
    (image,) = read_coco(tmp_path, file, 60).images
    expected = np.rot90(stored, -1) if is_turned else stored
    np.testing.assert_array_equal(image[: size[1], : size[0]], expected)


def test_damage_counts_among_the_images_that_are_read(tmp_path: Path) -> None:
    file = write_coco(scenes(40, 32, 0), tmp_path)
    for name in ("000000.png", "000001.png"):
        (tmp_path / name).write_bytes(b"no picture")
    assert len(read_coco(tmp_path, file, 32)) == 38
    with refused("000000.png", "at most 5% of 4 may be left out"):
        read_coco(tmp_path, file, 32, num_images=4)


def test_the_least_box_counts_after_scaling(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 40, 3), np.uint8))
    boxes = [[4, 4, 0.6, 9], [4, 4, 2, 0.4], [40.2, 4, 0.7, 9], [0, 0, 40, 20]]
    document = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 20}],
        "categories": [{"id": 3, "name": "it"}],
        "annotations": [{"image_id": 7, "category_id": 3, "bbox": box} for box in boxes],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document))
    for side_px, num_objects in ((80, 2), (40, 1), (120, 3)):
        found = read_coco(tmp_path, file, side_px)
        assert (len(found.boxes), found.num_small) == (num_objects, 4 - num_objects)
        assert (found.boxes[:, 2:] - found.boxes[:, :2]).min() >= 1


@pytest.mark.parametrize("kind", ["16 bits", "float"])
def test_pictures_of_other_depths_are_read_right_or_left_out(tmp_path: Path, kind: str) -> None:
    file = _spoiled(tmp_path, _set("images", 0, file_name="odd.tiff"), 2)
    if kind == "16 bits":
        cv2.imwrite(str(tmp_path / "odd.tiff"), np.full((32, 32), 20_000, np.uint16))
        assert (read_coco(tmp_path, file, 32).images[0] == 78).all()
        return
    cv2.imwrite(str(tmp_path / "odd.tiff"), np.full((32, 32), 0.5, np.float32))
    (skipped,) = read_coco(tmp_path, file, 32, max_skipped_fraction=0.5).skipped
    check_sentence(skipped.reason, "odd.tiff", "floating-point values")


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = write_coco(scenes(2, 32, 0), tmp_path)
    file.write_text("\ufeff" + file.read_text(), "utf-8")
    assert len(read_coco(tmp_path, file, 32)) == 2


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ODD_DOCUMENTS)
def test_an_odd_document_is_refused(tmp_path: Path, kind: str) -> None:
    file = _spoiled(tmp_path, ODD_DOCUMENTS[kind], 3)
    with refused("instances.json"):
        read_coco(tmp_path, file, 32)


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["[" * 10**5, '{"images": [NaN]}', "7" * 5000, "\0", "[]", "{}"])
def test_odd_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with refused("a.json"):
        read_coco(tmp_path, tmp_path / "a.json", 32)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", [each for each in ODD if "link" in each or "declares" in each])
def test_an_odd_picture_is_left_out(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data" / "set"
    file = write_coco(scenes(24, 32, 0), folder / "images")
    (folder / "images" / "000003.png").unlink()
    ODD[kind](folder / "images" / "000003.png")
    found = read_coco(folder / "images", file, 32)
    (skipped,) = found.skipped
    check_sentence(skipped.reason, "000003.png")
    assert len(found) == 23
