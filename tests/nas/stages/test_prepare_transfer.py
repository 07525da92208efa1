"""All images of a transfer, and what can be wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.detection.scenes import CLASSES
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.transfer.config import PrepareTransferConfig
from tasks.nas.transfer.manifests import TransferData
from tasks.nas.transfer.package import key_of_test
from tests.support.nas.image_sets import coloured, write_image_folder
from tests.support.nas.transfer_runs import prepare_config


def prepared(
    tmp_path: Path, config: PrepareTransferConfig, seed: int = 0
) -> tuple[LocalRun, TransferData]:
    local = LocalRun(tmp_path / "store", seed=seed)
    return local, local.read(local.run(prepare_transfer, config=config), TransferData)


def test_three_sets_are_kept(tmp_path: Path) -> None:
    local, found = prepared(tmp_path, prepare_config(tmp_path))
    assert found.images.classes == ("red", "green", "blue")
    parts = (found.images.train, found.images.validation, found.images.test)
    assert [part.num_images for part in parts] == [90, 30, 30]
    assert found.cifar is not None
    assert (found.images.side_px, found.cifar.side_px) == (16, 8)
    assert found.boxes is not None
    assert found.boxes.classes == CLASSES
    train, test = (
        np.load(local.fetch(part.images)) for part in (found.boxes.train, found.boxes.test)
    )
    assert (train.shape, test.shape) == ((8, 32, 32, 3), (6, 32, 32, 3))
    assert (train[:6] != test).any(axis=(1, 2, 3)).all()
    with np.load(local.fetch(found.boxes.test.objects)) as objects:
        assert len(objects["boxes"]) == found.boxes.test.num_objects >= 6


def test_sets_can_be_left_out(tmp_path: Path) -> None:
    config = prepare_config(tmp_path, from_cifar=False, boxes=BoxesConfig(kind="none"))
    _, found = prepared(tmp_path, config)
    assert found.cifar is None
    assert found.boxes is None


def test_a_folder_of_images_is_brought_to_the_size(tmp_path: Path) -> None:
    for split, num in (("train", 60), ("val", 15)):
        write_image_folder(tmp_path / "pictures", split, coloured(num, 20))
    config = prepare_config(tmp_path, data=str(tmp_path / "pictures"), side_px=12, from_cifar=False)
    _, found = prepared(tmp_path, config)
    assert (found.images.name, found.images.side_px) == ("pictures", 12)


def test_another_seed_share_or_size_makes_no_other_test(tmp_path: Path) -> None:
    for split, num in (("train", 60), ("val", 15)):
        write_image_folder(tmp_path / "pictures", split, coloured(num, 20))
    config = prepare_config(
        tmp_path,
        data=str(tmp_path / "pictures"),
        side_px=12,
        from_cifar=False,
        boxes=BoxesConfig(kind="none"),
    )
    ways = [(config, 0), (config, 1), (replace(config, num_validation=20, side_px=8), 2)]
    tests = [prepared(tmp_path, each, seed)[1].images for each, seed in ways]
    assert len({each.test.labels.sha256 for each in tests}) > 1, "they are in another order"
    assert len({key_of_test(each) for each in tests}) == 1


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prepare_transfer\.data is empty"):
        prepared(tmp_path, PrepareTransferConfig(boxes=BoxesConfig(kind="none")))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    config = prepare_config(tmp_path, data=str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"expected a folder, found none at .*gone"):
        prepared(tmp_path, config)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    config = prepare_config(tmp_path, data=str(tmp_path / "empty"))
    with pytest.raises(DataError, match=r"empty: expected .*packed JPEGs"):
        prepared(tmp_path, config)


def test_a_folder_of_one_class_is_refused(tmp_path: Path) -> None:
    for split in ("train", "val"):
        folder = tmp_path / "one" / split / "only"
        folder.mkdir(parents=True)
    config = prepare_config(tmp_path, data=str(tmp_path / "one"), side_px=16)
    with pytest.raises(DataError, match="two classes or more, found 1"):
        prepared(tmp_path, config)
