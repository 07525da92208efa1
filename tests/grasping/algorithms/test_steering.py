from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.steering import (
    Rate,
    kinds_of,
    pilot_mixture,
    rate_of,
    steer,
    wished_mixture,
)
from tasks.grasping.config import PolicyConfig

MIXTURE = PolicyConfig()
MODEL = PolicyConfig(kind="model", model="m.pt2")


def rates(uniform, near_object, model=None, num=240):
    found = {"uniform": uniform, "near_object": near_object}
    if model is not None:
        found["model"] = model
    return {name: Rate(num, round(share * num)) for name, share in found.items()}


def test_wilson_by_hand():
    # 15 of 50 at z = 1.96: (0.3 + 0.0384) / 1.0768 -+ 1.96 * sqrt(0.0042 + 0.00038416) / 1.0768
    low, high = Rate(50, 15).interval
    assert low == pytest.approx(0.1910, abs=2e-4)
    assert high == pytest.approx(0.4375, abs=2e-4)
    low, high = Rate(40, 0).interval
    assert low == 0
    assert high == pytest.approx(1.96**2 / (40 + 1.96**2), abs=1e-4)
    assert Rate(40, 40).interval == (pytest.approx(1 - high), 1.0)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Scenes differ: without the design effect the interval would be far too narrow."""
    rng = np.random.default_rng(0)
    covered, covered_naive = 0, 0
    for _ in range(600):
        shares = rng.beta(1.0, 1.5, 40)  # mean 0.4
        successes = rng.binomial(12, shares)
        rate = rate_of([(12, int(each)) for each in successes])
        low, high = rate.interval
        covered += low <= 0.4 <= high
        low, high = Rate(rate.attempts, rate.successes).interval
        covered_naive += low <= 0.4 <= high
    assert 0.91 < covered / 600 < 0.98
    assert covered_naive / 600 < 0.75


def test_scenes_that_are_alike_have_no_design_effect():
    rng = np.random.default_rng(1)
    scenes = [(6, int(each)) for each in rng.binomial(6, 0.3, 200)]
    assert rate_of(scenes).design_effect == pytest.approx(1.0, abs=0.2)
    assert rate_of([(6, 6), (6, 0)] * 20).design_effect == pytest.approx(6, rel=0.1)
    assert rate_of([(0, 0), (4, 1), (8, 3)]) == Rate(12, 4, 1.0)


@pytest.mark.parametrize("successes", [0, 12])
def test_the_same_outcome_everywhere_is_no_error(successes):
    rate = rate_of([(12, successes)] * 5)
    assert rate.design_effect == 1
    low, high = rate.interval
    assert 0 <= low < high <= 1


def test_a_wished_mixture_between_the_bounds_stays():
    found = steer(rates(0.2, 0.55), MIXTURE)
    assert found.mixture == wished_mixture(MIXTURE)
    assert found.share == pytest.approx(0.3 * 0.2 + 0.7 * 0.55)
    assert found.is_sure
    assert found.interval[0] > 0.3


def test_too_many_successes_raise_the_uniform_part():
    found = steer(rates(0.3, 0.9), MIXTURE)
    assert found.share == pytest.approx(0.45, abs=0.006)
    assert found.mixture.uniform == pytest.approx(0.75, abs=0.011)
    assert found.is_sure


def test_too_few_successes_take_what_can_be_had():
    found = steer(rates(0.1, 0.4, num=60), MIXTURE)
    assert found.mixture.uniform == pytest.approx(MIXTURE.uniform_share)
    assert found.share == pytest.approx(0.31)
    assert not found.is_sure, "the interval passes the lower bound"


def test_a_share_that_may_lie_between_the_bounds_is_used():
    found = steer(rates(0.14, 0.36), MIXTURE)
    assert found.share == pytest.approx(0.294, abs=0.002)
    assert not found.is_sure
    with pytest.raises(
        ConfigError, match=r"nearest that a mixture comes is 0\.29 \(0\.29 to 0\.30\)"
    ):
        steer(rates(0.14, 0.36, num=240_000), MIXTURE)


def test_an_unsure_mixture_goes_to_the_middle():
    found = steer(rates(0.5, 0.6), MIXTURE)  # wished: 0.57, its interval reaches beyond 0.6
    assert found.mixture.uniform > 0.94
    assert found.share == pytest.approx(0.5, abs=0.006)
    assert found.is_sure


def test_the_model_takes_part():
    found = steer(rates(0.1, 0.3, 0.8), MODEL)
    assert found.mixture == wished_mixture(MODEL)
    assert found.mixture.model == pytest.approx(0.35)
    found = steer(rates(0.02, 0.1, 0.8), MODEL)
    assert found.share == pytest.approx(0.45, abs=0.006)
    assert found.mixture.uniform >= 0.3
    assert found.mixture.model > 0.5


@pytest.mark.parametrize(
    ("uniform", "near_object", "advice"),
    [(0.02, 0.2, r"lower policy\.uniform_share"), (0.8, 0.9, r"raise policy\.spread_m")],
)
def test_bounds_out_of_reach_say_what_was_measured(uniform, near_object, advice):
    with pytest.raises(ConfigError, match=advice) as error:
        steer(rates(uniform, near_object), MIXTURE)
    message = str(error.value)
    assert f"uniform {round(240 * uniform)} of 240" in message
    assert f"near_object {round(240 * near_object)} of 240" in message
    assert "policy.success_low" in message


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 240), min_size=3, max_size=3),
    st.floats(0.05, 0.99),
    st.sampled_from(["mixture", "model"]),
)
def test_whatever_is_measured_the_promises_hold(successes, uniform_share, kind):
    policy = PolicyConfig(kind=kind, model="m.pt2", uniform_share=uniform_share)
    measured = {
        name: Rate(240, number, 1.5)
        for name, number in zip(("uniform", "near_object", "model"), successes, strict=True)
        if name in kinds_of(policy)
    }
    try:
        found = steer(measured, policy)
    except ConfigError:
        shares = [rate.share for rate in measured.values()]
        ends = [uniform_share * shares[0] + (1 - uniform_share) * each for each in shares]
        ends.append(shares[0])
        assert max(ends) < policy.success_low or min(ends) > policy.success_high
        return
    assert found.mixture.uniform >= uniform_share - 1e-9
    assert sum(found.mixture.weights) == pytest.approx(1)
    assert found.interval[0] <= policy.success_high
    assert found.interval[1] >= policy.success_low
    if found.is_sure:
        assert policy.success_low <= found.interval[0]
        assert found.interval[1] <= policy.success_high
    assert found.interval[0] <= found.share <= found.interval[1]
    assert found.mixture.spread_m == policy.spread_m


def test_the_pilot_tries_each_policy_equally_often():
    assert pilot_mixture(MIXTURE).weights == (0.5, 0.5, 0)
    assert pilot_mixture(MODEL).weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))


@pytest.mark.parametrize("policy", [PolicyConfig(kind="uniform"), PolicyConfig(uniform_share=1.0)])
def test_a_uniform_policy_has_nothing_to_steer(policy):
    assert kinds_of(policy) == ("uniform",)
    assert wished_mixture(policy).weights == (1, 0, 0)
