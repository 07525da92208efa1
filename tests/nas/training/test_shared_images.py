"""A data set is loaded in each size, and an item finds its split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.nas.manifests import ImageData
from tasks.nas.training.shared_images import SharedImages, shared_arrays, shared_split
from tests.support.nas.image_sets import prepared
from tests.support.nas.item_folders import LocalFolder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalRun, ImageData]:
    local = LocalRun(tmp_path_factory.mktemp("store"))
    return local, local.read(prepared(local, Path(local.folder) / "set", num_train=130), ImageData)


def test_every_split_is_there_in_every_size(kept: tuple[LocalRun, ImageData]) -> None:
    local, images = kept
    arrays = shared_arrays(images, [8, 4, 8], local)  # type: ignore[arg-type]
    folder = LocalFolder(Path(), arrays)
    for name, num in (("train", 30), ("validation", 100), ("test", 90)):
        whole, half = (shared_split(folder, name, side) for side in (8, 4))  # type: ignore[arg-type]
        assert whole.pixels.shape == (num, 8, 8, 3)
        assert half.pixels.shape == (num, 4, 4, 3)
        np.testing.assert_array_equal(whole.labels, half.labels)
        mean = whole.pixels.reshape(num, 4, 2, 4, 2, 3).mean(axis=(2, 4))
        assert np.abs(mean - half.pixels).max() <= 0.5 + 1e-6


def test_images_are_standardised_by_their_own_mean(kept: tuple[LocalRun, ImageData]) -> None:
    local, images = kept
    pixels = np.load(local.fetch(images.train.images))
    found = SharedImages(images=images, device="cpu").standard.tensor(pixels)
    np.testing.assert_allclose(found.mean(dim=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(dim=(0, 2, 3)), 1, atol=1e-3)


def test_a_size_that_does_not_divide_is_refused(kept: tuple[LocalRun, ImageData]) -> None:
    local, images = kept
    with pytest.raises(DataError, match="3"):
        shared_arrays(images, [3], local)  # type: ignore[arg-type]
