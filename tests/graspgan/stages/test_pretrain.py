from __future__ import annotations

import torch

from tasks.graspgan.trainings.manifests import Pretrained
from tests.support.graspgan.chain import Chain


def test_simulation_teaches_first_plain_then_in_random_looks(chain: Chain) -> None:
    found = chain.run.read(chain.pretrained, Pretrained)
    names = {each.item_id for each in found.predictors}
    methods = ("simulation", "randomised")
    assert names == {f"{m}{raw}-s0" for m in methods for raw in ("", "_raw")}
    first, second = (
        torch.load(chain.run.fetch(found.of(method, 0).weights), weights_only=True)
        for method in methods
    )
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert len(found.of("randomised", 0).curve) == 2
