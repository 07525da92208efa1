from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.core.config import config_json
from tasks.core.records import FileRef
from tasks.graspgan.judging.grasping import Arena, filmstrip, grasp_in_scene, grasp_tasks
from tasks.graspgan.judging.manifests import Evaluation, GraspTask
from tasks.graspgan.manifests import Attempts
from tasks.graspgan.trainings.manifests import Trained
from tasks.grasping.scene_trials import TriedScene
from tests.support.graspgan.chain import Chain
from tests.support.graspgan.folders import ItemFolder


@pytest.fixture(scope="module")
def arena(chain: Chain) -> Arena:
    (world,) = chain.run.read(chain.attempts, Attempts).worlds
    return Arena(recipe=world.recipe, textures=world.textures, root_seed=0, num_candidates=16)


def test_methods_meet_the_same_scenes(
    chain: Chain, arena: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.graspgan.judging import grasping

    programs = chain.run.read(chain.evaluated, Evaluation).programs
    seen: list[TriedScene] = []
    monkeypatch.setattr(grasping, "filmstrip", lambda done: seen.append(done) or filmstrip(done))

    class Folder(ItemFolder):
        def fetch(self, file: object) -> Path:
            return chain.run.fetch(file)

    for method in ("labels", "graspgan_cut"):
        found = grasp_in_scene(
            GraspTask(
                item_id=f"{method}-scene",
                scene_id="scene",
                method=method,
                target="bullet-structured",
                program=programs[f"bullet-structured/{method}"],
                num_grasps=2,
            ),
            arena,
            Folder(tmp_path, {}),
        )
        assert len(found.successes) == 2
    first, other = seen
    assert first.objects == other.objects
    assert (first.before.rgb == other.before.rgb).all()
    assert all(each.policy == "model" for each in first.tried)
    size = Image.open(io.BytesIO((tmp_path / "film.png").read_bytes())).size
    assert size == (320, 160)


def test_an_arena_is_where_the_program_alone_chooses(chain: Chain, arena: Arena) -> None:
    program = next(iter(chain.run.read(chain.evaluated, Evaluation).programs.values()))
    inputs = arena.inputs(program)
    assert inputs.mixture["model"] == 1.0
    assert inputs.model == program
    assert config_json(arena)["num_candidates"] == 16
    assert np.isclose(sum(inputs.mixture[name] for name in ("uniform", "near_object")), 0)


def test_scenes_are_dealt_out_over_trainings_and_one_grasps_in_all(chain: Chain) -> None:
    first = chain.run.read(chain.trained, Trained).predictors[0]
    predictors = [
        first.model_copy(update={"item_id": f"{method}-s{seed}", "method": method, "seed": seed})
        for method in ("graspgan_cut", "labels")
        for seed in (0, 2)
    ]
    no_file = FileRef(uri="none", sha256="0" * 64, num_bytes=0)
    programs = {
        each.item_id: no_file.model_copy(update={"uri": each.item_id}) for each in predictors
    }
    tasks = grasp_tasks(predictors, programs, {"a": 0, "b": 2, "c": 0}, "graspgan_cut-s2", 12)
    assert [(each.method, each.seed, each.scene_id) for each in tasks] == [
        ("graspgan_cut", 0, "a"),
        ("graspgan_cut", 0, "c"),
        *(("graspgan_cut", 2, scene) for scene in "abc"),
        ("labels", 0, "a"),
        ("labels", 0, "c"),
        ("labels", 2, "b"),
    ]
    assert all(each.program.uri == f"{each.method}-s{each.seed}" for each in tasks)
    assert len({each.item_id for each in tasks}) == len(tasks)
