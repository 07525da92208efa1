from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.nas.config import PrepareConfig
from tasks.nas.manifests import ImageData
from tasks.nas.stages.prepare import prepare_images
from tests.support.nas.image_sets import coloured, prepared, write_image_folder


def test_a_set_is_kept_with_fixed_splits(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    data = local.read(prepared(local, tmp_path / "set"), ImageData)
    assert (data.name, data.side_px, data.classes) == ("set", 8, ("red", "green", "blue"))
    sizes = [split.num_images for split in (data.train, data.validation, data.test)]
    assert sizes == [300, 100, 90]
    pixels = np.load(local.fetch(data.train.images))
    labels = np.load(local.fetch(data.train.labels))
    assert (pixels.shape, pixels.dtype, labels.dtype) == ((300, 8, 8, 3), np.uint8, np.int64)
    np.testing.assert_array_equal(pixels.mean(axis=(1, 2)).argmax(axis=1), labels)
    np.testing.assert_allclose(data.mean, pixels.mean(axis=(0, 1, 2)) / 255)
    np.testing.assert_allclose(data.std, pixels.std(axis=(0, 1, 2)) / 255)


def test_the_seed_decides_the_splits(tmp_path: Path) -> None:
    digests = []
    for number, seed in enumerate((1, 1, 2)):
        local = LocalRun(tmp_path / str(number), seed=seed)
        data = local.read(prepared(local, tmp_path / "set"), ImageData)
        digests.append(data.validation.images.sha256)
    assert digests[0] == digests[1] != digests[2]


def test_the_share_that_may_be_unusable_is_a_setting(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "set", "train", coloured(9))
    write_image_folder(tmp_path / "set", "valid", coloured(3, seed=1))
    for name in ("0000", "0001"):
        (tmp_path / "set" / "train" / "red" / f"{name}.png").write_bytes(b"no image")
    local = LocalRun(tmp_path / "store")
    config = PrepareConfig(
        data=str(tmp_path / "set"), side_px=8, num_validation=2, max_skipped_fraction=0.3
    )
    data = local.read(local.run(prepare_images, config=config), ImageData)
    odd = ["train/red/0000.png", "train/red/0001.png"]
    assert [each.item_id for each in data.skipped] == odd
    with pytest.raises(DataError, match="max_skipped_fraction"):
        local.run(prepare_images, config=replace(config, max_skipped_fraction=0.1))


def test_a_bad_folder_leaves_nothing(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    with pytest.raises(DataError, match="expected a folder"):
        local.run(prepare_images, config=PrepareConfig(data=str(tmp_path / "absent")))
    assert not list((tmp_path / "store").rglob("manifest.json"))
