from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError
from tasks.nas.data.packed_jpegs import PackedSplit, class_names, is_packed
from tasks.nas.data.read import read_images
from tests.support.hostile.arrays import npy
from tests.support.hostile.refusals import check_sentence, refused
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


def _index(folder: Path, **changed: Any) -> None:
    """Write the index of the training split with single arrays replaced, by values or bytes."""
    path = folder / "train_index.npz"
    with np.load(path) as index:
        arrays = {**index, **changed}
    raw = {name: value for name, value in arrays.items() if isinstance(value, bytes)}
    np.savez(path, **{name: value for name, value in arrays.items() if name not in raw})
    with zipfile.ZipFile(path, "a") as archive:
        for name, value in raw.items():
            archive.writestr(f"{name}.npy", value)


OFFSETS = np.arange(0, 12_001, 1000)
INDICES: dict[str, dict[str, Any]] = {
    "80 GB of offsets": {"offset": npy("<i8", "(10000000000,)")},
    "pickled labels": {"label": npy("|O", "(12,)", b"cos\nsystem\n" * 9)},
    "a shape that is code": {"label": npy("|u1", "__import__('os').abort()")},
    "labels of a million classes": {"label": np.full(12, 10**9)},
    "labels below 0": {"label": np.full(12, -1)},
    "labels that are fractions": {"label": np.zeros(12)},
    "labels in two rows": {"label": np.zeros((2, 6), int)},
    "too few labels": {"label": np.zeros(5, int)},
    "no labels": {"label": np.zeros(0, int)},
    "offsets that fall": {"offset": OFFSETS[::-1]},
    "offsets below 0": {"offset": OFFSETS - 5000},
    "offsets beyond the files": {"offset": OFFSETS * 10**9},
    "offsets that pass what numbers hold": {"offset": OFFSETS.astype(np.uint64) + 2**63},
    "offsets that are nothing": {"offset": OFFSETS * np.nan},
    "no offsets": {"offset": np.zeros(0, int)},
    "a million files": {"shard_items": np.ones(10**6, int)},
    "no files": {"shard_items": np.zeros(0, int)},
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", INDICES)
def test_an_index_that_can_not_be_true_is_refused(tmp_path: Path, kind: str) -> None:
    write_packed(tmp_path, "train", coloured(12))
    _index(tmp_path, **INDICES[kind])
    with refused(str(tmp_path)):
        PackedSplit.read(tmp_path, "train")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["pipe", "device", "80 GB", "folder"])
@pytest.mark.parametrize("name", ["train_1.jpegs", "train_index.npz"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    write_packed(tmp_path, "train", coloured(12))
    path = tmp_path / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "80 GB":
        with path.open("wb") as file:
            file.truncate(80 * 10**9)
    else:
        path.mkdir()
    with refused(name):
        PackedSplit.read(tmp_path, "train")


NAMES = [
    "[" * 100_000,
    '{"names": 5}',
    '{"names": {"a": 1}}',
    '{"names": [["a"], {}]}',
    '{"names": "abc',
    '"abc"',
    "null",
    "[NaN]",
    "7" * 5000,
    b"\xff\xfe",
    b"",
]


@pytest.mark.hostile
@pytest.mark.parametrize("text", NAMES, ids=range(len(NAMES)))
def test_odd_class_names_are_refused(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "meta.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with refused("meta.json"):
        class_names(tmp_path, 3)


@pytest.mark.hostile
def test_few_damaged_images_are_left_out(tmp_path: Path) -> None:
    write_packed(tmp_path / "odd: name", "train", coloured(30), num_shards=1)
    write_packed(tmp_path / "odd: name", "test", coloured(3), num_shards=1)
    split = PackedSplit.read(tmp_path / "odd: name", "train")
    data = bytearray(split.data)
    data[split.offsets[7] : split.offsets[8]] = bytes(split.offsets[8] - split.offsets[7])
    (tmp_path / "odd: name" / "train_0.jpegs").write_bytes(data)
    raw = read_images(str(tmp_path / "odd: name"), "cifar10", 0)
    assert [each.item_id for each in raw.skipped] == ["train 7"]
    assert len(raw.train) == 29
    assert raw.train.labels.tolist() == [k % 3 for k in range(30) if k != 7]
    assert raw.name == "odd_ name", "files and metrics are named after it"


@pytest.mark.hostile
def test_labels_of_either_split_need_names(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_packed(tmp_path, split, coloured(12))
    with np.load(tmp_path / "test_index.npz") as index:
        np.savez(tmp_path / "test_index.npz", **{**index, "label": np.full(12, 7)})
    (tmp_path / "meta.json").write_text(json.dumps(["a", "b", "c"]))
    with refused("meta.json", "expected 8 classes"):
        read_images(str(tmp_path), "cifar10", 0)


@pytest.mark.hostile
@pytest.mark.parametrize("size_px", [(9, 9), (8, 9), (9000, 9000), (1, 60_000)])
def test_an_image_of_another_size_is_left_out(tmp_path: Path, size_px: tuple[int, int]) -> None:
    for split in ("train", "test"):
        write_packed(tmp_path, split, coloured(30), num_shards=1)
    split = PackedSplit.read(tmp_path, "train")
    buffer = io.BytesIO()
    Image.new("RGB", size_px).save(buffer, "JPEG")
    begin, end = split.offsets[7:9]
    data = split.data[:begin] + buffer.getvalue() + split.data[end:]
    (tmp_path / "train_0.jpegs").write_bytes(data)
    offsets = split.offsets + (len(data) - len(split.data)) * (np.arange(31) > 7)
    _index(tmp_path, offset=offsets)
    raw = read_images(str(tmp_path), "cifar10", 0)
    (skipped,) = raw.skipped
    check_sentence(skipped.reason, "train 7", "set the size")
    assert raw.train.pixels.shape == (29, 8, 8, 3)
