from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasks.bundle.folders import read_bundle
from tasks.bundle.replay import golden_of
from tasks.core.models import ANSWERS_FILE
from tasks.core.records import FileRef
from tasks.graspgan.judging.manifests import GraspOutcome
from tasks.graspgan.judging.packing import PackTask, pack_predictor
from tasks.grasping.policy_model import check_model
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.user_folders import write_set

NO_FILE = FileRef(uri="none", sha256="0" * 64, num_bytes=0)


class Predictor(torch.nn.Module):
    """Wants to know where the robot is, and not how it sees."""

    def forward(self, before: Any, now: Any, commands: Any, pose: Any) -> Any:
        seen = before.float().mean() - now.float().mean()
        return torch.sigmoid(commands.sum(dim=1) + pose[0] + 0 * seen)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> FileRef:
    path = tmp_path_factory.mktemp("program") / "model.pt2"
    before, now = (torch.full((1, 48, 48, 3), each, dtype=torch.uint8) for each in (90, 160))
    shapes = (None, None, {0: torch.export.Dim("num", min=1, max=4096)}, None)
    example = (before, now, torch.zeros(3, 5), torch.zeros(4))
    torch.export.save(torch.export.export(Predictor(), example, dynamic_shapes=shapes), path)
    return FileRef(uri=str(path), sha256="0" * 64, num_bytes=1)


def task(program: FileRef, shard: Path, *scenes: str) -> PackTask:
    return PackTask(
        item_id="surrogate/cut",
        program=program,
        shard=FileRef(uri=str(shard), sha256="0" * 64, num_bytes=1),
        target="surrogate",
        grasps=tuple(
            GraspOutcome(item_id=s, scene_id=s, successes=(True, False, False, True), film=NO_FILE)
            for s in scenes
        ),
    )


def test_examples_are_what_it_was_asked_and_said(tmp_path: Path, program: FileRef) -> None:
    folder = ItemFolder(tmp_path, {})
    packed = pack_predictor(task(program, write_set(tmp_path), "a", "b"), None, folder)
    assert packed.success == 0.5
    bundle = read_bundle(tmp_path / "bundle")
    inputs, outputs = golden_of(tmp_path / "bundle", bundle.signatures["predict"])
    assert {*inputs} == {"before", "now", "commands", "pose"}
    assert inputs["before"].shape == inputs["now"].shape == (1, 48, 48, 3)
    assert inputs["commands"].shape == (4, 5)
    sums = inputs["commands"].sum(axis=1) + inputs["pose"][0]
    np.testing.assert_allclose(outputs["success"], 1 / (1 + np.exp(-sums)), rtol=1e-5)
    assert bundle.use["world"] == "surrogate"
    assert {*packed.bundle} == {*bundle.files, "bundle.json"}
    check_model(tmp_path / "bundle" / "model.pt2", 48, 9)


def test_grasps_of_two_predictors_in_the_same_scenes_are_paired(
    tmp_path: Path, program: FileRef
) -> None:
    shard, keys, items = write_set(tmp_path), [], []
    for number, scenes in enumerate((("a", "b"), ("a", "b"), ("a", "c"))):
        place = tmp_path / str(number)
        place.mkdir()
        packed = pack_predictor(task(program, shard, *scenes), None, ItemFolder(place, {}))
        keys.append(packed.test_key)
        with np.load(place / ANSWERS_FILE) as answers:
            items.append(answers["item"])
            assert answers["is_right"].tolist() == [True, False, False, True] * 2
    assert keys[0] == keys[1] != keys[2]
    assert len(np.unique(items[0], axis=0)) == 8
    np.testing.assert_array_equal(items[0][:4], items[2][:4])
    assert not (items[0][4:] == items[2][4:]).all(axis=1).any()
