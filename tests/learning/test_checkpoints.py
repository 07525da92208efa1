from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tasks.core.errors import ArtifactError
from tasks.learning.checkpoints import Checkpoints, Reached, copied_networks
from tasks.learning.curve import Point
from tests.support.learning.line import Folder, Line


def test_networks_optimisers_and_generators_come_back(tmp_path: Path) -> None:
    line = Line()
    line.step(0)
    checkpoints = Checkpoints(Folder(tmp_path), line.parts, "cpu")
    curve = (Point(1, {"loss": 0.5}, 0.25, {"auc": 0.75}),)
    reached = Reached(curve, copied_networks(line.parts))
    checkpoints.save(reached)
    kept = line.weights().clone(), torch.rand(3), line.rng.random(3)
    line.step(1)
    found = checkpoints.load()
    assert found.curve == curve
    assert torch.equal(line.weights(), kept[0])
    assert torch.equal(torch.rand(3), kept[1])
    assert np.array_equal(line.rng.random(3), kept[2])
    (momentum, *_) = (each["momentum_buffer"] for each in line.optimiser.state.values())
    assert momentum.abs().sum() > 0
    for name, value in line.network.state_dict().items():
        assert torch.equal(found.best["network"][name], value)


def test_copies_stay_whatever_becomes_of_the_network() -> None:
    network = nn.Linear(2, 1)
    copied = copied_networks({"network": network})
    before = network.weight.detach().clone()
    with torch.no_grad():
        network.weight += 1
    assert torch.equal(copied["network"]["weight"], before)


def test_without_a_keeper_nothing_is_kept() -> None:
    line = Line()
    checkpoints = Checkpoints(None, line.parts, "cpu")
    checkpoints.save(Reached())
    assert checkpoints.load() == Reached()


def test_one_of_other_settings_is_named_and_left(tmp_path: Path) -> None:
    line = Line()
    line.step(0)
    Checkpoints(Folder(tmp_path), line.parts, "cpu").save(Reached())
    kept = Folder(tmp_path).checkpoint()
    assert kept is not None
    before = kept.read_bytes()
    wider = Line(network=nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1)))
    others = (wider.parts, {**line.parts, "judge": nn.Linear(2, 1)}, {"network": line.network})
    for parts in others:
        with pytest.raises(ArtifactError, match=r"kept.pt is a checkpoint .* other settings \("):
            Checkpoints(Folder(tmp_path), parts, "cpu").load()
    assert kept.read_bytes() == before
