"""Data sets are kept whole, with statistics of the training images alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.records import FileRef
from tasks.nas.data import keep
from tasks.nas.data.keep import channel_statistics, keep_images
from tasks.nas.data.photos import content_of, name_photos
from tasks.nas.data.raw_images import RawImages
from tasks.nas.data.read import Splits
from tests.support.nas.image_sets import coloured


class Store:
    """Notes the names under which files are kept."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def add(self, path: Path, name: str) -> FileRef:
        self.files[name] = path
        return FileRef(uri=name, sha256="0" * 64, num_bytes=path.stat().st_size)


def test_every_split_is_kept_as_it_is(tmp_path: Path) -> None:
    splits = Splits(coloured(9), coloured(6, seed=1), coloured(3, seed=2))
    raw = RawImages(
        name="set", source="made up", classes=("a", "b", "c"), train=splits.train, test=splits.test
    )
    store = Store()
    data = keep_images(raw, splits, store, tmp_path)  # type: ignore[arg-type]
    assert (data.name, data.source, data.classes, data.side_px) == (
        "set",
        "made up",
        ("a", "b", "c"),
        8,
    )
    assert (data.mean, data.std) == channel_statistics(splits.train.pixels)
    for name, part in vars(splits).items():
        kept = getattr(data, name)
        assert kept.num_images == len(part)
        np.testing.assert_array_equal(np.load(store.files[kept.images.uri]), part.pixels)
        np.testing.assert_array_equal(np.load(store.files[kept.labels.uri]), part.labels)
        photos = np.load(store.files[kept.photos.uri])
        np.testing.assert_array_equal(photos, name_photos(part.pixels))
        assert kept.content == content_of(photos, part.labels, data.classes)
    assert sorted(store.files) == sorted(
        f"set_{name}_{what}.npy" for name in vars(splits) for what in ("images", "labels", "photos")
    )


def test_statistics_do_not_depend_on_how_images_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = coloured(11).pixels
    mean, std = channel_statistics(pixels)
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1, 2)) / 255)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 1, 2)) / 255)
    monkeypatch.setattr(keep, "_CHUNK", 4)
    np.testing.assert_allclose(channel_statistics(pixels), (mean, std))


def test_grey_images_have_a_deviation_that_can_be_divided_by() -> None:
    mean, std = channel_statistics(np.full((5, 2, 2, 3), 51, np.uint8))
    assert mean == pytest.approx((0.2, 0.2, 0.2))
    assert min(std) > 0
