"""Images with boxes are loaded as they were kept, and an item finds its split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from operators.stage.local import LocalRun
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.detection.shared_boxes import shared_box_arrays, shared_boxes
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.transfer.manifests import TransferData
from tests.support.nas.box_sets import box_arrays
from tests.support.nas.item_folders import LocalFolder
from tests.support.nas.transfer_runs import prepare_config


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    config = prepare_config(
        tmp_path, from_cifar=False, boxes=BoxesConfig(side_px=32, num_train=5, num_test=3)
    )
    boxes = local.read(local.run(prepare_transfer, config=config), TransferData).boxes
    assert boxes is not None
    arrays = shared_box_arrays(boxes, local)  # type: ignore[arg-type]
    folder = LocalFolder(tmp_path, arrays)
    splits = {name: shared_boxes(folder, boxes, name) for name in ("train", "test")}  # type: ignore[arg-type]
    assert {name: len(each) for name, each in splits.items()} == {"train": 5, "test": 3}
    for name, images in splits.items():
        kept = getattr(boxes, name)
        assert images.images.shape == (len(images), 32, 32, 3)
        assert sum(len(objects) for _, objects in images) == kept.num_objects > 0
        assert images.classes == boxes.classes
    again = box_arrays(splits)  # type: ignore[arg-type]
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
