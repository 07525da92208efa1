from __future__ import annotations

import numpy as np

from tasks.graspgan.config import AdaptConfig
from tasks.graspgan.manifests import Prepared
from tasks.graspgan.stages.adapt import _tasks
from tasks.graspgan.trainings.manifests import Adapted, Pretrained
from tests.support.graspgan.chain import Chain


def test_what_no_method_uses_is_not_trained(chain: Chain) -> None:
    pretrained = chain.run.read(chain.pretrained, Pretrained)
    first = pretrained.of("randomised", 0)
    seeds = tuple(first.model_copy(update={"seed": seed}) for seed in range(2))
    found = {}
    for which in ("few", "headline"):
        begun = pretrained.model_copy(update={"predictors": seeds, "methods": which})
        found[which] = {(each.name, each.seed) for each in _tasks(begun, AdaptConfig())}
    assert found["few"] == {("from_cut", 0), ("from_cut", 1)}
    assert found["headline"] == found["few"] | {("from_plain", 0), ("from_plain", 1)}


def test_each_generator_adapts_the_samples_that_it_learnt_from(chain: Chain) -> None:
    found = chain.run.read(chain.adapted, Adapted)
    prepared = chain.run.read(chain.prepared, Prepared)
    assert [each.name for each in found.generators] == ["from_cut"], "few methods use no other"
    num = sum(file.num for file in prepared.of("bullet", "train").files)
    for each in found.generators:
        with np.load(chain.run.fetch(each.adapted)) as adapted:
            assert adapted["adapted_000"].shape == (num, 32, 32, 3)
        assert chain.run.fetch(each.grid).read_bytes().startswith(b"\x89PNG")
        assert {"mean_gap", "diversity_ratio"} < {*each.curve[-1]["values"]}
