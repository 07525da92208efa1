from __future__ import annotations

from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.methods import methods
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


def test_what_grasped_is_a_policy_of_collect_grasps(chain: Chain) -> None:
    found = chain.run.read(chain.evaluated, Evaluation)
    program = found.programs["bullet-structured/graspgan_cut"]
    check_model(chain.run.fetch(program), 64, 64)
