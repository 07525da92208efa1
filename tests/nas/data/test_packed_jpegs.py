from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.nas.data.packed_jpegs import PackedSplit, class_names, is_packed
from tests.support.nas.image_sets import coloured, write_packed


def test_images_come_back_in_order(tmp_path: Path) -> None:
    images = coloured(11)
    write_packed(tmp_path, "train", images)
    assert is_packed(tmp_path)
    split = PackedSplit.read(tmp_path, "train")
    np.testing.assert_array_equal(split.labels, images.labels)
    decoded = np.stack([np.asarray(image) for image in split.images()])
    mean_error = np.abs(decoded.astype(int) - images.pixels).mean()
    assert mean_error < 25, "JPEG of noise, but the same pictures"
    assert np.abs(decoded.astype(int) - images.pixels[::-1]).mean() > 2 * mean_error


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    write_packed(tmp_path, "train", coloured(11))
    path = tmp_path / "train_1.jpegs"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"split 'train' hold \d+ bytes; expected \d+"):
        PackedSplit.read(tmp_path, "train")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_packed(tmp_path, "train", coloured(11))
    (tmp_path / "train_1.jpegs").unlink()
    with pytest.raises(DataError, match=r"train_1.jpegs is missing"):
        PackedSplit.read(tmp_path, "train")


def test_an_index_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train_index.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="expected offset, label and shard_items"):
        PackedSplit.read(tmp_path, "train")


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    write_packed(tmp_path, "train", coloured(4), num_shards=1)
    split = PackedSplit.read(tmp_path, "train")
    data = bytearray(split.data)
    data[split.offsets[2] : split.offsets[2] + 4] = b"\0\0\0\0"
    (tmp_path / "train_0.jpegs").write_bytes(data)
    with pytest.raises(DataError, match="image 2 of split 'train' can't be decoded"):
        list(PackedSplit.read(tmp_path, "train").images())


def test_classes_are_named_by_either_file(tmp_path: Path) -> None:
    assert class_names(tmp_path, 2) == ("0", "1")
    (tmp_path / "classes.json").write_text('["a", "b"]')
    assert class_names(tmp_path, 2) == ("a", "b")
    (tmp_path / "meta.json").write_text('{"classes": ["c", "d"]}')
    assert class_names(tmp_path, 2) == ("c", "d")
    with pytest.raises(DataError, match="expected 3 classes"):
        class_names(tmp_path, 3)
