from __future__ import annotations

import numpy as np

from tasks.graspgan.manifests import Prepared
from tasks.graspgan.trainings.manifests import Adapted
from tests.support.graspgan.chain import Chain


def test_each_generator_adapts_the_samples_that_it_learnt_from(chain: Chain) -> None:
    found = chain.run.read(chain.adapted, Adapted)
    prepared = chain.run.read(chain.prepared, Prepared)
    assert {each.name for each in found.generators} == {"from_plain", "from_cut"}
    num = sum(file.num for file in prepared.of("bullet", "train").files)
    for each in found.generators:
        with np.load(chain.run.fetch(each.adapted)) as adapted:
            assert adapted["adapted_000"].shape == (num, 32, 32, 3)
        assert chain.run.fetch(each.grid).read_bytes().startswith(b"\x89PNG")
        assert {"mean_gap", "diversity_ratio"} < {*each.curve[-1]["values"]}
