from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.nas.data.raw_images import LabelledImages, RawImages
from tasks.nas.data.read import balanced_order, deal, read_images
from tests.support.nas.image_sets import coloured, write_image_folder, write_packed
from tests.support.real_data import real_data
from tests.support.s3 import put_folder


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), seed=st.integers(0, 2**32))
def test_every_prefix_is_as_balanced_as_can_be(labels: list[int], seed: int) -> None:
    array = np.array(labels)
    order = balanced_order(array, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(labels)))
    left = {label: labels.count(label) for label in set(labels)}
    seen = dict.fromkeys(left, 0)
    for label in array[order]:
        seen[label] += 1
        others = [seen[k] for k in left if seen[k] < left[k]]
        assert all(seen[label] <= other + 1 for other in others)


def test_splits_share_no_image() -> None:
    pixels = np.arange(300, dtype=np.uint8).repeat(12).reshape(300, 2, 2, 3) % 251
    train = LabelledImages(pixels[:200], np.arange(200) % 3)
    raw = RawImages("x", "x", ("a", "b", "c"), train, LabelledImages(pixels[200:], np.arange(100)))
    splits = deal(raw, 50, np.random.default_rng(0))
    seen = [p[0, 0, 0] for part in (splits.train, splits.validation) for p in part.pixels]
    assert sorted(seen) == sorted(pixels[:200, 0, 0, 0])
    assert sorted(np.bincount(splits.validation.labels)) == [16, 17, 17]
    assert len(splits.test) == 100


def test_the_validation_split_leaves_something() -> None:
    raw = RawImages("x", "x", ("a",), coloured(10), coloured(4))
    with pytest.raises(DataError, match=r"has 10 training images: prepare.num_validation takes 10"):
        deal(raw, 10, np.random.default_rng(0))


def test_each_form_is_recognised(tmp_path: Path) -> None:
    write_packed(tmp_path / "packed", "train", coloured(9))
    write_packed(tmp_path / "packed", "val", coloured(6))
    write_image_folder(tmp_path / "folder", "train", coloured(9))
    write_image_folder(tmp_path / "folder", "test", coloured(6))
    packed = read_images(str(tmp_path / "packed"), "cifar10", 0)
    assert (packed.name, packed.classes) == ("packed", ("red", "green", "blue"))
    assert "lossy" in packed.source
    assert packed.skipped == ()
    write_packed(tmp_path / "packed", "test", coloured(3))
    (unread,) = read_images(str(tmp_path / "packed"), "cifar10", 0).skipped
    assert (unread.item_id, "test is what" in unread.reason) == ("val", True)
    assert read_images(str(tmp_path / "folder"), "cifar10", 4).train.pixels.shape == (9, 4, 4, 3)


def test_a_stored_folder_is_read_as_one_on_a_disk(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    for split, number in (("train", 9), ("test", 6)):
        write_image_folder(tmp_path / "folder", split, coloured(number))
    stored = read_images(put_folder(tmp_path / "folder", f"{bucket}/folder"), "cifar10", 4)
    disk = read_images(str(tmp_path / "folder"), "cifar10", 4)
    assert (stored.name, stored.classes) == (disk.name, disk.classes)
    assert np.array_equal(stored.train.pixels, disk.train.pixels)
    with pytest.raises(DataError, match="absent: expected a file or folder, found nothing"):
        read_images(f"{bucket}/absent", "cifar10", 0)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder, found none"):
        read_images(str(tmp_path / "absent"), "cifar10", 0)
    with pytest.raises(DataError, match="expected cifar-10-batches-py or"):
        read_images(str(tmp_path), "cifar10", 0)
    write_packed(tmp_path, "train", coloured(3))
    with pytest.raises(DataError, match=r"expected test_index.npz or val_index.npz"):
        read_images(str(tmp_path), "cifar10", 0)


def test_real_cifar_is_read() -> None:
    raw = read_images(str(real_data("cifar10")), "cifar10", 0)
    assert (len(raw.train), len(raw.test)) == (50_000, 10_000)
    assert raw.classes[:2] == ("airplane", "automobile")
    assert np.bincount(raw.train.labels).tolist() == [5000] * 10
