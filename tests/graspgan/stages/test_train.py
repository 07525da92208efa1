from __future__ import annotations

from dataclasses import replace

from tasks.graspgan.config import TrainConfig
from tasks.graspgan.methods import methods
from tasks.graspgan.stages.train import _for_each_target, _planned
from tasks.graspgan.trainings.config import DescentConfig
from tasks.graspgan.trainings.manifests import Adapted, Trained
from tests.support.graspgan.chain import Chain


def test_all_methods_are_trained_for_the_target(chain: Chain) -> None:
    found = chain.run.read(chain.trained, Trained)
    wanted = {method.name for method in methods("few")}
    assert {each.method for each in found.predictors} == wanted
    assert found.skipped == ()
    labels = {each.method: each.num_labels for each in found.predictors}
    assert labels.pop("labels") == 24
    assert {*labels.values()} == {0}, "nobody else saw a label of the target"


def test_each_method_is_trained_as_its_row_says(chain: Chain) -> None:
    """Steps, pretraining included, are equal; norms and shares of labels are those of the row."""
    adapted = chain.run.read(chain.adapted, Adapted)
    point = {"step": 500, "values": {"validation_auc": 0.5}}
    begun = adapted.pretrained
    longer = [each.model_copy(update={"curve": (point,)}) for each in begun.predictors]
    raw = [each.model_copy(update={"method": f"{each.method}_raw"}) for each in longer]
    plain = [e.model_copy(update={"name": "from_plain"}) for e in adapted.generators]
    begun = begun.model_copy(update={"predictors": (*longer, *raw), "methods": "all"})
    generators = (*adapted.generators, *plain)
    adapted = adapted.model_copy(update={"pretrained": begun, "generators": generators})
    config = TrainConfig(descent=replace(DescentConfig(), num_steps=300))
    tasks = {each.method: each for each in _planned(adapted, config)}
    assert {*tasks} == {method.name for method in methods("all")}
    learners = {name: each.descent["num_steps"] for name, each in tasks.items() if each.descent}
    assert learners.pop("simulation_longer") == 800
    assert {*learners.values()} == {300}
    for method in methods("all"):
        task = tasks[method.name]
        if method.confuses:
            assert task.unlabelled.domain == task.domain, "trained by the norms that serve"
        learns_from = {each.crops.world for each in task.labelled}
        assert (task.target in learns_from) == bool(method.label_share)
        chosen_by = {each.crops.world for each in task.validation}
        assert chosen_by == ({task.target} if learns_from == {task.target} else {"bullet"})
        assert task.label_share == method.label_share


def test_what_sees_no_target_is_trained_once_and_serves_all(chain: Chain) -> None:
    made = chain.run.read(chain.trained, Trained).predictors
    targets = ("bullet-structured", "surrogate")
    found = {each.item_id: each for each in _for_each_target(made, targets)}
    own = {each.method for each in found.values() if each.target == "surrogate"}
    assert own == {method.name for method in methods("few") if not method.sees_target}
    first, other = (found[f"structured-{target}-s0"] for target in targets)
    assert other == first.model_copy(update={"item_id": other.item_id, "target": "surrogate"})
