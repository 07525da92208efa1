from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.nas.data.image_folder import is_image_folder, read_image_folder
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
        read_image_folder(folder, 8)
    shutil.rmtree(folder / "train" / "red")
    with pytest.raises(DataError, match=r"differ in their classes: \['red'\]"):
        read_image_folder(folder, 8)
    shutil.rmtree(folder / "train" / "green")
    with pytest.raises(DataError, match="two classes or more, found 1"):
        read_image_folder(folder, 8)
    shutil.rmtree(folder / "val")
    with pytest.raises(DataError, match="expected a folder val or test"):
        read_image_folder(folder, 8)


def test_an_empty_class_is_named(folder: Path) -> None:
    for path in (folder / "val" / "blue").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"val/blue: expected images .* found none"):
        read_image_folder(folder, 8)
