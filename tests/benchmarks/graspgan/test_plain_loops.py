"""A plain loop is the same training as ours."""

from __future__ import annotations

import pytest
import torch

from benchmarks.graspgan import plain_loops


@pytest.mark.parametrize("careful", [False, True])
def test_a_plain_loop_learns_the_samples_that_it_draws(
    careful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_loops, "NUM_SAMPLES", 8)
    losses, bce = [], plain_loops.bce
    monkeypatch.setattr(plain_loops, "bce", lambda *given: losses.append(bce(*given)) or losses[-1])
    plain_loops.plain_c(careful=careful)(8)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("careful", [False, True])
def test_all_networks_of_graspgan_move(careful: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plain_loops.networks()
    monkeypatch.setattr(plain_loops, "networks", lambda: found)
    trained = (found.generator, found.discriminators, found.predictor)
    # The last ones: before them a generator that begins as the identity learns nothing at once.
    before = [[*each.parameters()][-1].clone() for each in trained]
    plain_loops.plain_graspgan(careful=careful)(1)
    for network, weights in zip(trained, before, strict=True):
        assert not torch.equal([*network.parameters()][-1], weights)
