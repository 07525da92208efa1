"""The root seed and the stage decide the splits; every image is in one of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tasks.nas.data.prepare import counts, prepare_data_set
from tasks.nas.manifests import ImageData
from tests.support.nas.image_sets import coloured, write_image_folder
from tests.support.nas.item_folders import LocalFolder

NUM_TRAIN, NUM_TEST = 24, 6


def prepare(folder: Path, seed: int) -> tuple[ImageData, dict[str, np.ndarray]]:
    """The record, and the images of each split."""
    scratch = folder / f"scratch-{seed}"
    scratch.mkdir(parents=True, exist_ok=True)
    files = LocalFolder(scratch)
    store: Any = SimpleNamespace(add=lambda _, name: files.add(name))
    ctx: Any = SimpleNamespace(seed=seed, stage="nas.prepare", store=store, scratch=scratch)
    data = prepare_data_set(str(folder / "set"), "cifar10", 8, 9, 0.0, ctx)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    return data, {name: np.load(files.fetch(each.images)) for name, each in splits.items()}


def contents(*splits: np.ndarray) -> set[bytes]:
    """Images whatever their order."""
    found = {image.tobytes() for split in splits for image in split}
    assert len(found) == sum(map(len, splits))
    return found


def test_every_image_is_dealt_out_once_and_the_seed_decides_where(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "set", "train", coloured(NUM_TRAIN))
    write_image_folder(tmp_path / "set", "test", coloured(NUM_TEST, seed=1))
    data, first = prepare(tmp_path, 0)
    assert counts(data) == {
        "train_images": 15.0,
        "validation_images": 9.0,
        "test_images": 6.0,
        "skipped_images": 0.0,
    }
    assert contents(first["train"], first["validation"]) == contents(coloured(NUM_TRAIN).pixels)
    assert contents(first["test"]) == contents(coloured(NUM_TEST, seed=1).pixels)
    _, again = prepare(tmp_path, 0)
    _, other = prepare(tmp_path, 1)
    np.testing.assert_array_equal(again["validation"], first["validation"])
    assert contents(other["validation"]) != contents(first["validation"])
    assert contents(other["test"]) == contents(first["test"])
