from __future__ import annotations

from tasks.graspgan.methods import methods
from tasks.graspgan.trainings.manifests import Trained
from tests.support.graspgan.chain import Chain


def test_all_methods_are_trained_for_the_target(chain: Chain) -> None:
    found = chain.run.read(chain.trained, Trained)
    wanted = {method.name for method in methods("few")}
    assert {each.method for each in found.predictors} == wanted
    assert found.skipped == ()
    labels = {each.method: each.num_labels for each in found.predictors}
    assert labels.pop("labels") == 24
    assert {*labels.values()} == {0}, "nobody else saw a label of the target"
