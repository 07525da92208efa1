from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from tasks.core.errors import DataError
from tasks.nas.data.image_folder import is_image_folder, read_image_folder
from tests.support.hostile.odd_images import ODD, write_odd
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.hostile.within import run_within
from tests.support.nas.image_sets import coloured, write_image_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_image_folder(tmp_path, "train", coloured(9))
    write_image_folder(tmp_path, "val", coloured(6, seed=1))
    return tmp_path


def test_images_and_labels_are_read(folder: Path) -> None:
    assert is_image_folder(folder)
    raw = read_image_folder(folder, 8)
    assert raw.classes == ("blue", "green", "red")
    np.testing.assert_array_equal(np.bincount(raw.train.labels), [3, 3, 3])
    means = raw.test.pixels.mean(axis=(1, 2)).argmax(axis=1)
    np.testing.assert_array_equal(means, 2 - raw.test.labels)


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"set prepare.side_px"):
        read_image_folder(folder, 0)
    (folder / "train" / "red" / "0000.png").write_text("no image")
    with pytest.raises(DataError, match=r"0000.png is no image"):
        read_image_folder(folder, 8, max_skipped_fraction=0)
    shutil.rmtree(folder / "train" / "red")
    with pytest.raises(DataError, match=r"differ in their classes: \['red'\]"):
        read_image_folder(folder, 8)
    shutil.rmtree(folder / "train" / "green")
    with pytest.raises(DataError, match="two classes or more, found 1"):
        read_image_folder(folder, 8)
    shutil.rmtree(folder / "val")
    with pytest.raises(DataError, match="expected a folder val or test"):
        read_image_folder(folder, 8)


def _save(path: Path, kind: str, *, colour: tuple[int, int, int] = (9, 9, 9)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9), colour).save(path, kind)


def test_an_image_is_one_by_its_content_wherever_it_lies(folder: Path) -> None:
    red = folder / "train" / "red"
    kinds = {"a.gif": "GIF", "a.jfif": "JPEG", "a.ppm": "PPM", "a": "PNG", "a.PNG": "PNG"}
    for name, kind in (kinds | {"more/a.webp": "WEBP", "more/still/a.jpg": "BMP"}).items():
        _save(red / name, kind)
    raw = read_image_folder(folder, 8)
    assert len(raw.train) == 9 + 7
    assert (raw.train.labels == 2).sum() == 3 + 7
    assert raw.skipped == ()


def test_a_photo_is_turned_as_its_tags_ask(folder: Path) -> None:
    stored = np.zeros((20, 30, 3), np.uint8)
    stored[:, :15] = 255
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6  # its left is shown at the top
    Image.fromarray(stored).save(folder / "train" / "blue" / "0.jpg", exif=tags)
    pixels = read_image_folder(folder, 8).train.pixels[0].astype(int)
    assert (pixels[:3] > 200).all()
    assert (pixels[-3:] < 50).all()


def test_clutter_and_texts_beside_the_images_are_left_alone(folder: Path) -> None:
    red = folder / "train" / "red"
    (red / ".ipynb_checkpoints").mkdir()
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "train" / "__MACOSX").mkdir()
    for name in ("._0000.png", "Thumbs.db", ".DS_Store", "0000.xml", ".ipynb_checkpoints/a.png"):
        (red / name).write_bytes(b"\0\5\26\7")
    raw = read_image_folder(folder, 8)
    assert (len(raw.train), raw.classes, raw.skipped) == (9, ("blue", "green", "red"), ())


@pytest.mark.parametrize("name", ["valid", "validation"])
def test_a_validation_split_has_several_names(folder: Path, name: str) -> None:
    (folder / "val").rename(folder / name)
    assert len(read_image_folder(folder, 8).test) == 6


def test_a_split_that_is_not_read_is_said(folder: Path) -> None:
    write_image_folder(folder, "test", coloured(3))
    raw = read_image_folder(folder, 8)
    assert len(raw.test) == 6
    assert [each.item_id for each in raw.skipped] == ["test"]


def test_one_image_of_a_small_set_may_be_unusable(folder: Path) -> None:
    (folder / "train" / "red" / "0000.png").write_bytes(b"no image")
    raw = read_image_folder(folder, 8)
    assert [each.item_id for each in raw.skipped] == ["train/red/0000.png"]
    with pytest.raises(DataError, match="at most 0% of 9 may be left out"):
        read_image_folder(folder, 8, max_skipped_fraction=0)


def test_a_share_of_images_may_be_unusable(folder: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.float32)).save(
        folder / "train" / "red" / "0000.png", "TIFF"
    )
    (folder / "train" / "red" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(
        DataError, match=r"at most 5% of 10 may be left out \(max_skipped_fraction\)"
    ):
        read_image_folder(folder, 8)
    raw = read_image_folder(folder, 8, max_skipped_fraction=0.2)
    assert [each.item_id for each in raw.skipped] == ["train/red/0000.png", "train/red/a.heic"]
    assert len(raw.train) == 8


def test_a_class_of_which_nothing_is_left_is_named(folder: Path) -> None:
    for path in (folder / "train" / "red").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"train/red: expected images .* that can be read"):
        read_image_folder(folder, 8, max_skipped_fraction=1)


def test_an_empty_class_is_named(folder: Path) -> None:
    for path in (folder / "val" / "blue").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"val/blue: expected images .* found none"):
        read_image_folder(folder, 8)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder of so many images that one odd one is few."""
    folder = tmp_path / "data" / "set"
    write_image_folder(folder, "train", coloured(30))
    write_image_folder(folder, "val", coloured(3, seed=1))
    return folder


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_image_is_left_out_and_named(large: Path, kind: str) -> None:
    name = write_odd(kind, large / "train" / "red")
    raw = read_image_folder(large, 8)
    assert len(raw.train) == 30
    (skipped,) = raw.skipped
    assert skipped.item_id == f"train/red/{name}"
    check_sentence(f"{skipped.item_id}: {skipped.reason}", name)
    assert str(large) not in skipped.reason, "where the data lies is no part of the result"


@pytest.mark.hostile
def test_all_of_them_together_take_little_memory(large: Path) -> None:
    write_image_folder(large, "train", coloured(20 * len(ODD)))
    for number, kind in enumerate(ODD):
        write_odd(kind, large / "train" / "green", f"odd{number}")
    found = run_within(
        300_000_000,
        "from pathlib import Path\nfrom tasks.nas.data.image_folder import read_image_folder",
        f"print(len(read_image_folder(Path({str(large)!r}), 8).skipped))",
    )
    assert int(found) == len(ODD)


@pytest.mark.hostile
def test_a_name_that_is_no_text_is_left_out(large: Path) -> None:
    for name in (b"\xff\xfe.png", b"\xed\xa0\x80.png"):
        (large / "train" / "red" / os.fsdecode(name)).write_bytes(b"")
        (skipped,) = read_image_folder(large, 8).skipped
        assert skipped.model_dump_json()
        (large / "train" / "red" / os.fsdecode(name)).unlink()


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["class", "split", "no text", "circle", "pipe"])
def test_an_odd_folder_is_refused(large: Path, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    (large / "train" / "red").rename(outside)
    red = large / "train" / "red"
    if kind == "class":
        red.symlink_to(outside)
    elif kind == "split":
        shutil.rmtree(large / "val")
        (large / "val").symlink_to(tmp_path)
    elif kind == "no text":
        (large / "train" / os.fsdecode(b"\xff")).mkdir()
    elif kind == "circle":
        red.symlink_to("..")
    else:
        os.mkfifo(red)
    with refused("train" if kind != "split" else "val", outside=outside):
        read_image_folder(large, 8)


@pytest.mark.hostile
def test_more_than_memory_holds_is_refused(large: Path) -> None:
    with refused("images of train", "GB of memory"):
        read_image_folder(large, 30_000_000)


@pytest.mark.hostile
def test_a_strip_is_left_out(large: Path) -> None:
    Image.new("RGB", (1, 60_000)).save(large / "train" / "red" / "strip.png")
    (skipped,) = read_image_folder(large, 64).skipped
    check_sentence(skipped.reason, "strip.png", "1 x 60000 px")
