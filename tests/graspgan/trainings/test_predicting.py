from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.graspgan.networks.domains import SOURCE, TARGET
from tasks.graspgan.networks.grasp_networks import CropNetwork
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.graspgan.trainings.predicting import Lesson, scores, train_predictor
from tasks.learning.arithmetic import ArithmeticConfig
from tests.support.graspgan.toy_pools import area, toy_pool
from tests.support.learning.line import Folder

QUICK = DescentConfig(num_steps=60, batch_size=32, learning_rate=4e-3, num_points=3)
FEW = DescentConfig(num_steps=3, batch_size=16, num_points=1)


def network(seed: int = 0) -> CropNetwork:
    torch.manual_seed(seed)
    return CropNetwork(1, 4, standardises=False, side_px=16)


def test_c_learns_what_crops_show() -> None:
    learner, held_out = network(), toy_pool(200, seed=9)
    curve = train_predictor(
        learner,
        Lesson(((toy_pool(256), SOURCE),)),
        QUICK,
        0,
        lambda: {"validation_auc": area(learner, held_out, SOURCE)},
    )
    assert area(learner, held_out, SOURCE) > 0.9
    assert area(learner, held_out, SOURCE) == max(p.values["validation_auc"] for p in curve)


def test_c_learns_where_objects_lie_where_simulation_knows_it() -> None:
    pool = toy_pool(256)
    known = replace(pool, heights_m=(0.03 * (pool.classes[..., 0] == 2)).astype(np.float16))
    learner = network()
    curve = train_predictor(
        learner, Lesson(((known, SOURCE),)), QUICK, 0, lambda: {"validation_auc": 0.5}
    )
    losses = [point.losses["cell_loss"] for point in curve]
    assert losses[-1] < 0.5 * losses[0]
    without = train_predictor(
        network(), Lesson(((pool, SOURCE),)), FEW, 0, lambda: {"validation_auc": 0.5}
    )
    assert {*without[-1].losses} == {"loss"}, "a robot's attempts have masks of nobody"


def test_a_classifier_of_domains_takes_part() -> None:
    target = toy_pool(128, seed=3, brightness=80).without_labels
    learner = network()
    lesson = Lesson(((toy_pool(128), SOURCE),), (target, TARGET), AdversaryConfig(weight=0.1))
    curve = train_predictor(learner, lesson, QUICK, 0, lambda: {"validation_auc": 0.5})
    assert {*curve[-1].losses} == {"loss", "domain_loss"}
    source, other = learner.layers[1].norms
    assert not torch.allclose(source.running_mean, other.running_mean, atol=1e-3)


def test_one_norm_for_both_domains_leaves_the_other_alone() -> None:
    learner = network()
    lesson = Lesson(((toy_pool(32), SOURCE),), (toy_pool(32, seed=3).without_labels, SOURCE))
    train_predictor(learner, lesson, FEW, 0, lambda: {"validation_auc": 0.5})
    source, other = learner.layers[1].norms
    assert source.num_batches_tracked == 2 * FEW.num_steps, "a batch of each domain in each step"
    assert other.num_batches_tracked == 0


def test_a_step_has_as_many_samples_whatever_they_come_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner, seen_in = network(), CropNetwork.seen_in
    seen: list[tuple[int, float]] = []

    def noted(
        self: CropNetwork, pictures: torch.Tensor, motion: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append((len(pictures), float(pictures.mean(dim=(1, 2, 3)).std())))
        return seen_in(self, pictures, motion)

    monkeypatch.setattr(CropNetwork, "seen_in", noted)
    pools = toy_pool(32), toy_pool(32, seed=1, brightness=90)
    train_predictor(
        learner,
        Lesson(tuple((pool, SOURCE) for pool in pools)),
        FEW,
        0,
        lambda: {"validation_auc": 0.5},
    )
    assert [num for num, _ in seen] == [FEW.batch_size] * FEW.num_steps
    assert min(spread for _, spread in seen) > 0.2, "dark and bright ones pass norms together"


@pytest.mark.parametrize(
    "arithmetic", [ArithmeticConfig(precision="bfloat16"), ArithmeticConfig(channels_last=False)]
)
def test_precision_and_memory_format_change_little(arithmetic: ArithmeticConfig) -> None:
    unlabelled = toy_pool(64, seed=3).without_labels, TARGET
    lesson = Lesson(((toy_pool(64), SOURCE),), unlabelled)
    config = DescentConfig(num_steps=4, batch_size=16, num_points=1)
    losses = [
        train_predictor(
            each.placed(network(), "cpu"), lesson, config, 0, lambda: {"validation_auc": 0.5},
            arithmetic=each,
        )[-1].losses
        for each in (ArithmeticConfig(), arithmetic)
    ]  # fmt: skip
    assert losses[1] == pytest.approx(losses[0], abs=0.02)
    assert losses[1] != losses[0]


def test_the_seed_decides_and_a_cut_changes_nothing(tmp_path: Path) -> None:
    lesson = Lesson(((toy_pool(64), SOURCE),), (toy_pool(64, seed=3).without_labels, TARGET))
    config = DescentConfig(num_steps=6, batch_size=8, num_points=3)

    def weights(seed: int, keeper: Folder | None = None, cut: bool = False) -> torch.Tensor:
        learner, seen = network(), []

        def validate() -> dict[str, float]:
            seen.append(0)
            if cut and len(seen) == 2:
                raise KeyboardInterrupt
            return {"validation_auc": float(len(seen))}

        train_predictor(learner, lesson, config, seed, validate, keeper=keeper)
        return torch.cat([v.double().flatten() for v in learner.state_dict().values()])

    whole = weights(1)
    with pytest.raises(KeyboardInterrupt):
        weights(1, Folder(tmp_path), cut=True)
    assert torch.equal(weights(1, Folder(tmp_path)), whole)
    assert not torch.equal(weights(2), whole)


def test_scores_come_in_the_order_of_the_samples() -> None:
    learner, pool = network(), toy_pool(7)
    found = scores(learner, pool, TARGET)
    for index in range(7):
        one = scores(learner, pool.taken(np.array([index])), TARGET)
        assert one[0] == pytest.approx(found[index], abs=1e-5)
