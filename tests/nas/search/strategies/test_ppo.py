"""The controller: its probabilities, its update, and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from tasks.nas.search.strategies.ppo import Controller, Ppo, PpoConfig, clipped_gain, ranks_among
from tasks.nas.space.decisions import DecisionSpace

SPACE = DecisionSpace((2, 3, 2), ("input", "operation", "input"))


def probabilities(controller: Controller) -> dict[tuple[int, ...], float]:
    children = list(itertools.product(*map(range, SPACE.num_choices)))
    with torch.no_grad():
        _, logs, _ = controller(torch.tensor(children), len(children))
    return dict(zip(children, logs.exp().tolist(), strict=True))


def test_the_probabilities_of_all_children_sum_to_one() -> None:
    torch.manual_seed(0)
    assert sum(probabilities(Controller(SPACE, 20)).values()) == pytest.approx(1, abs=1e-5)


def test_samples_follow_the_probabilities_and_carry_them() -> None:
    torch.manual_seed(0)
    controller = Controller(SPACE, 20)
    with torch.no_grad():
        for head in controller.heads.values():
            head.bias.mul_(15)
        children, logs, _ = controller(None, 4000, torch.Generator().manual_seed(1))
    expected = probabilities(controller)
    sampled = [tuple(child) for child in children.tolist()]
    for child, probability in expected.items():
        assert sampled.count(child) / 4000 == pytest.approx(probability, abs=0.03)
    assert logs[0].exp().item() == pytest.approx(expected[sampled[0]], rel=1e-4)


def test_entropy_of_an_even_choice() -> None:
    controller = Controller(DecisionSpace((4,), ("operation",)), 8)
    with torch.no_grad():
        for parameter in controller.heads.parameters():
            parameter.zero_()
        _, logs, entropy = controller(None, 1)
    assert entropy.item() == pytest.approx(np.log(4))
    assert logs.item() == pytest.approx(-np.log(4))


def test_an_update_makes_the_better_child_more_likely() -> None:
    ppo = Ppo(SPACE, np.random.default_rng(0), PpoConfig(batch=40))
    before = probabilities(ppo._controller)
    for _ in range(40):
        child = ppo.ask()
        ppo.tell(child, float(child == (1, 2, 0)))
    after = probabilities(ppo._controller)
    assert after[(1, 2, 0)] > before[(1, 2, 0)]


def test_the_best_child_becomes_more_likely_though_it_is_not_sampled_again() -> None:
    best, changes = (1, 2, 0), {}
    for num_replayed in (0, 1):
        config = PpoConfig(batch=2, num_replayed=num_replayed)
        ppo = Ppo(SPACE, np.random.default_rng(0), config)
        ppo._pending[best].append(np.log(probabilities(ppo._controller)[best]))
        ppo.tell(best, 1.0)
        before = probabilities(ppo._controller)[best]
        for _ in range(9):
            child = ppo.ask()
            if child != best:
                ppo.tell(child, 0.0)
        changes[num_replayed] = probabilities(ppo._controller)[best] / before
    assert changes[1] > changes[0]


def test_only_the_order_of_rewards_counts() -> None:
    asked = []
    for scale in (1.0, 1000.0):
        ppo = Ppo(SPACE, np.random.default_rng(0), PpoConfig(batch=3))
        asked.append([])
        for number in range(30):
            child = ppo.ask()
            ppo.tell(child, scale * (sum(child) + number / 100) ** 3)
            asked[-1].append(child)
    assert asked[0] == asked[1]


def test_ranks_have_mean_zero_and_deviation_one() -> None:
    every = np.array([3.0, 1.0, 2.0, 2.0])
    ranks = ranks_among(every, every)
    assert ranks.tolist() == pytest.approx(np.sqrt(3) * np.array([0.75, -0.75, 0, 0]))
    many = np.arange(1000.0)
    assert ranks_among(many, many).std() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("ratio", "advantage", "gain", "slope"),
    [(1.0, 2.0, 2.0, 2.0), (1.5, 2.0, 2.4, 0.0), (0.5, 2.0, 1.0, 1.0), (0.5, -1.0, -0.8, 0.0)],
)
def test_the_objective_stops_to_grow_where_the_ratio_is_clipped(
    ratio: float, advantage: float, gain: float, slope: float
) -> None:
    log_ratio = torch.tensor([np.log(ratio)], dtype=torch.float64, requires_grad=True)
    value = clipped_gain(log_ratio, torch.tensor([advantage]), 0.2)
    value.backward()
    assert value.item() == pytest.approx(gain)
    assert log_ratio.grad.item() == pytest.approx(slope)


def test_a_child_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"was asked for, got \(0, 0, 0\)"):
        Ppo(SPACE, np.random.default_rng(0)).tell((0, 0, 0), 1.0)
