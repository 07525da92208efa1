from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tasks.core.records import FileRef
from tasks.graspgan.judging import packing
from tasks.graspgan.judging.manifests import GraspOutcome
from tasks.graspgan.judging.packing import PackTask, pack_predictor
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.user_folders import write_set

NO_FILE = FileRef(uri="none", sha256="0" * 64, num_bytes=0)


def task(shard: Path, *scenes: str) -> PackTask:
    return PackTask(
        item_id="surrogate/cut",
        program=NO_FILE,
        shard=FileRef(uri=str(shard), sha256="0" * 64, num_bytes=1),
        target="surrogate",
        grasps=tuple(
            GraspOutcome(item_id=s, scene_id=s, successes=(True, False, False, True), film=NO_FILE)
            for s in scenes
        ),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Commands that the predictor was asked about."""
    found: list[np.ndarray] = []

    class Model:
        further = ("pose",)

        def __call__(
            self, before: object, now: object, commands: np.ndarray, *_: object
        ) -> np.ndarray:
            found.append(commands)
            return np.linspace(0, 1, len(commands))

    monkeypatch.setattr(packing, "load_model", lambda path: Model())
    return found


def test_examples_are_what_it_was_asked_and_said(tmp_path: Path, asked: list[np.ndarray]) -> None:
    folder = ItemFolder(tmp_path, {})
    packed = pack_predictor(task(write_set(tmp_path), "a", "b"), None, folder)
    assert packed.success == 0.5
    with np.load(tmp_path / packing.GOLDEN_INPUTS_FILE) as inputs:
        assert inputs["before"].shape == inputs["now"].shape == (1, 48, 48, 3)
        np.testing.assert_array_equal(inputs["commands"], asked[0])
        assert "pose" in inputs
        assert "distortion" not in inputs
    with np.load(tmp_path / packing.GOLDEN_OUTPUTS_FILE) as outputs:
        np.testing.assert_allclose(outputs["success"], [0, 1 / 3, 2 / 3, 1], rtol=1e-6)
    assert json.loads((tmp_path / packing.USE_FILE).read_text())["world"] == "surrogate"
    assert {*packed.files} == {path.name for path in tmp_path.iterdir() if path.is_file()}


@pytest.mark.usefixtures("asked")
def test_grasps_of_two_predictors_in_the_same_scenes_are_paired(tmp_path: Path) -> None:
    shard, keys, items = write_set(tmp_path), [], []
    for scenes in (("a", "b"), ("a", "b"), ("a", "c")):
        packed = pack_predictor(task(shard, *scenes), None, ItemFolder(tmp_path, {}))
        keys.append(packed.test_key)
        with np.load(tmp_path / packing.ANSWERS_FILE) as answers:
            items.append(answers["item"])
            assert answers["is_right"].tolist() == [True, False, False, True] * 2
    assert keys[0] == keys[1] != keys[2]
    assert len(np.unique(items[0], axis=0)) == 8
    np.testing.assert_array_equal(items[0][:4], items[2][:4])
    assert not (items[0][4:] == items[2][4:]).all(axis=1).any()
