from __future__ import annotations

import numpy as np

from tasks.graspgan.manifests import Prepared
from tests.support.graspgan.chain import Chain


def test_all_looks_are_painted_where_they_are_trained_on(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    train = found.of("bullet", "train")
    assert train.num_looks == {"plain": 1, "random": 1, "structured": 1}
    assert found.of("bullet", "train", target="bullet-structured").num_looks == {"cut": 1}
    assert found.of("bullet-structured", "held_out").num_looks == {"plain": 1}
    assert len(found.stations["bullet"]) == 1
    assert 1 <= len(found.stations["bullet-structured"]) <= 3


def test_it_is_kept_like_which_station_a_look_is_painted(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    for file in found.of("bullet", "train", target="bullet-structured").files:
        with np.load(chain.run.fetch(file.arrays)) as arrays:
            painted = {*arrays["cut_0_station"].tolist()}
    assert painted <= {*found.stations["bullet-structured"]}


def test_pictures_for_runs_without_labels_hold_no_outcome(chain: Chain) -> None:
    found = chain.run.read(chain.prepared, Prepared)
    for labels in (True, False):
        crops = found.of("bullet-structured", "train", has_labels=labels)
        for file in crops.files:
            with np.load(chain.run.fetch(file.arrays)) as arrays:
                names = {*arrays.files}
        assert ("success" in names) == labels
        assert ("classes" in names) == labels
        assert "plain_0" in names
