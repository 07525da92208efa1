"""Children that were trained once, as a table for strategies."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.nas import replay
from benchmarks.nas.replay import SPACE, Surrogate, Told, features, read_children, wanted
from tasks.nas.space.decisions import Decisions


def worth(child: Decisions) -> float:
    """More of the first operation is better."""
    return 30 + 2 * sum(choice == 0 for choice in child[1::2])


def trained(num_children: int, noise=0.1) -> list[Told]:
    rng, known = np.random.default_rng(0), []
    for child, replicate in wanted(num_children, known):
        known.append(Told(child, replicate, worth(child) + rng.normal(0, noise), 1.0))
    return known


def test_a_run_that_was_cut_off_wants_the_same_children():
    whole = trained(30)
    assert [each.replicate for each in whole[-3:]] == [0, 1, 1]
    for length in (0, 14, 22, 31):
        known = whole[:length]
        for child, replicate in wanted(30, known):
            assert (child, replicate) == (whole[len(known)].decisions, whole[len(known)].replicate)
            known.append(whole[len(known)])
        assert known == whole
    with pytest.raises(ValueError, match="is not the one that 40 children have"):
        [*wanted(40, whole)]


def test_the_surrogate_ranks_what_it_has_not_seen():
    table = Surrogate(trained(120))
    fresh = [SPACE.decisions.draw(np.random.default_rng(seed)) for seed in range(900, 960)]
    predicted = [table[child].test for child in fresh]
    assert np.corrcoef(predicted, [worth(child) for child in fresh])[0, 1] > 0.6
    assert np.corrcoef(table.held_out(), table.accuracies)[0, 1] > 0.6
    assert table.noise == pytest.approx(0.1, abs=0.08)
    assert table[fresh[0]].validation == Surrogate(trained(120))[fresh[0]].validation


def test_isomorphic_children_look_alike():
    child = SPACE.decisions.draw(np.random.default_rng(0))
    turned = (*child[2:4], *child[:2], *child[4:])  # both sides of the first block
    assert np.array_equal(features(child), features(turned))


def test_figures_say_what_the_table_is_worth(monkeypatch):
    monkeypatch.setattr(replay, "NUM_EVALUATIONS", 12)
    found = replay.figures(trained(45), range(2))
    assert found["replay_children"].value == 45
    assert found["replay_spearman"].interval is not None
    assert {"replay_ppo", "replay_predictor_gain_se", "replay_random"} <= found.keys()


def test_a_line_that_was_cut_short_is_left_out(tmp_path):
    path = tmp_path / "children.jsonl"
    assert read_children(path) == []
    known = trained(15)
    text = "".join(replay._line(each) for each in known)
    path.write_text(text + json.dumps({"decisions": [1]})[:-4])
    assert read_children(path) == known
