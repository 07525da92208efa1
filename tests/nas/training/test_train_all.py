"""What can't be trained is listed; too much of it ends the stage before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.core.records import Record
from tasks.nas.manifests import ImageData, TrainTask
from tasks.nas.training import train_all as module
from tasks.nas.training.train_all import Outcomes, train_all, train_networks
from tests.support.nas.image_sets import prepared
from tests.support.nas.search_runs import network, task


class Made(Record):
    """Something that was trained."""

    schema_id = "test.made/1"

    item_id: str


class Items:
    """Makes what its name doesn't forbid, and notes what it was given."""

    def map(
        self, function: Any, items: Sequence[Any], config: Any, *, shared: Any, spread: bool
    ) -> list[Any]:
        assert spread, "a training may take several processes"
        self.given = function, [*items], config, shared
        return [
            Skipped(item_id=each.item_id, reason="diverged")
            if each.item_id.startswith("bad")
            else function(each)
            for each in items
        ]


def context() -> Any:
    return SimpleNamespace(items=Items())


def make(item: TrainTask) -> Made:
    return Made(item_id=item.item_id)


PLANNED = [
    task("a", "top"),
    Skipped(item_id="hopeless", reason="no width"),
    task("bad", "top"),
    task("b", "top"),
]


def test_hopeless_and_failed_ones_are_listed_and_the_rest_is_made() -> None:
    ctx, arrays = context(), {"x": np.zeros(1)}
    found = train_all(make, iter(PLANNED), "shared", arrays, 0.5, ctx)  # type: ignore[type-var]
    assert [each.item_id for each in found.tasks] == ["a", "bad", "b"]
    assert [each.item_id for each in found.made] == ["a", "b"]
    assert {each.item_id: each.reason for each in found.skipped} == {
        "hopeless": "no width",
        "bad": "diverged",
    }
    assert ctx.items.given == (make, [*found.tasks], "shared", arrays)


def test_the_hopeless_count_as_failed() -> None:
    with pytest.raises(DataError, match=r"2 of 4 items can't be used, at most 40%.*hopeless"):
        train_all(make, PLANNED, None, {}, 0.4, context())  # type: ignore[type-var]


def test_nothing_to_train_is_no_failure() -> None:
    found = train_all(make, [], None, {}, 0.0, context())  # type: ignore[type-var]
    assert found == Outcomes((), (), ())


def test_networks_share_the_images_in_each_size_that_one_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = LocalRun(tmp_path / "store")
    monkeypatch.setattr(module, "train_network", lambda item: network(item.item_id, 0.5))
    images = local.read(prepared(local, tmp_path / "set", num_train=120), ImageData)
    items = Items()
    ctx = SimpleNamespace(items=items, store=local, resources=SimpleNamespace(device="cpu"))
    planned = [task("a", "top").model_copy(update={"image_px": side}) for side in (8, 4, 8)]
    found = train_networks(planned, images, 0.0, ctx)  # type: ignore[arg-type]
    assert len(found.made) == 3
    _, _, shared, arrays = items.given
    assert (shared.images, shared.device) == (images, "cpu")
    sides = {f"{split}_{side}" for split in ("train", "validation", "test") for side in (4, 8)}
    assert set(arrays) == sides | {f"{split}_labels" for split in ("train", "validation", "test")}
    assert arrays["train_4"].shape == (20, 4, 4, 3)
