from __future__ import annotations

from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.methods import methods
from tasks.graspgan.stages.evaluate import _who_grasp
from tasks.graspgan.trainings.manifests import Trained
from tasks.grasping.policy_model import check_model
from tests.support.graspgan.chain import Chain


def test_methods_are_judged_beside_controls_and_grasp(chain: Chain) -> None:
    found = chain.run.read(chain.evaluated, Evaluation)
    (result,) = found.targets
    names = {each.method for each in result.methods}
    assert {method.name for method in methods("few")} < names
    assert {"trees_pose", "trees_mask", "trees_contrast"} < names
    controls = {method.name for method in methods("few") if method.is_control}
    assert result.best_network in controls
    assert result.best_control in {result.best_network, "trees_pose", "trees_contrast"}
    assert result.best_adapted == "graspgan_cut"
    tried = {each.method for each in result.methods if each.success is not None}
    assert tried == {"simulation", result.best_network, "graspgan_cut", "labels"}
    assert {"trees_mask", "trees_height", "predictor", "over_trees_mask"} <= {*found.simulation}


def test_the_same_trainings_of_all_methods_grasp(chain: Chain) -> None:
    (result,) = chain.run.read(chain.evaluated, Evaluation).targets
    assert result.best_grasps == result.grasps["graspgan_cut"], "there is one training"
    trained = chain.run.read(chain.trained, Trained)
    more = [
        each.model_copy(update={"seed": seed})
        for each in trained.predictors
        for seed in range(3)
        if (each.method, seed) != ("labels", 1)
    ]
    found = _who_grasp(result, trained.model_copy(update={"predictors": tuple(more)}))
    assert {*found} == {"simulation", result.best_network, "graspgan_cut", "labels"}
    assert {tuple(e.seed for e in own) for own in found.values()} == {(0, 2)}
    other = tuple(e.model_copy(update={"seed": 1}) if e.method == "labels" else e for e in more)
    other = tuple(e for e in other if e.method == "labels" or e.seed != 1)
    assert _who_grasp(result, trained.model_copy(update={"predictors": other})) == {}


def test_what_grasped_is_a_policy_of_collect_grasps(chain: Chain) -> None:
    found = chain.run.read(chain.evaluated, Evaluation)
    program = found.programs["bullet-structured/graspgan_cut"]
    check_model(chain.run.fetch(program), 64, 64)
