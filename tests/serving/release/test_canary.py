from __future__ import annotations

import itertools

import numpy as np
import pytest

from tasks.serving.release.canary import DISAGREEING, FAILED, GUARDS, SLOW, Canary
from tasks.serving.release.config import CanaryConfig
from tasks.serving.release.counts import Counts

CONFIG = CanaryConfig(steps=(100, 500), min_answers=100, max_step_s=60.0)


def counts(num=0, failed=0, slow=0, compared=0, disagreeing=0):
    return Counts(
        num_answered=num - failed,
        num_failed=failed,
        num_slow=slow,
        num_compared=compared,
        num_disagreeing=disagreeing,
    )


def begun(config=CONFIG):
    return Canary.begin(0.1, (counts(), counts()), config)


def test_steps_follow_each_other_as_answers_come():
    canary, told = begun(), []
    for look in range(1, 5):
        canary = canary.look((counts(60 * look), counts(500 * look)), 1.0, CONFIG)
        told.append((canary.step, canary.num_in_step, canary.share(CONFIG)))
    assert told == [(0, 60, 100), (1, 0, 500), (1, 60, 500), (2, 0, 500)]
    assert canary.is_over(CONFIG)
    assert canary.reason == ""
    assert canary.total == (counts(240), counts(2000))
    assert [each.num for each in canary.points] == [60, 120, 180, 240]


@pytest.mark.parametrize(
    ("guard", "mine", "other"),
    [
        (FAILED, {"num": 50, "failed": 10}, {"num": 500, "failed": 2}),
        (SLOW, {"num": 50, "slow": 20}, {"num": 500, "slow": 5}),
        (DISAGREEING, {"num": 50}, {"num": 500, "compared": 200, "disagreeing": 60}),
    ],
)
def test_a_guard_takes_it_back_with_its_numbers(guard, mine, other):
    canary = begun().look((counts(**mine), counts(**other)), 1.0, CONFIG)
    assert canary.reason.startswith(f"{guard}: ")
    assert "confidence 95%" in canary.reason
    assert canary.highest[guard] > canary.convicts_at == 2 * len(GUARDS) / CONFIG.alpha
    assert canary.share(CONFIG) == 0
    assert canary.is_over(CONFIG)


def test_what_went_well_before_outweighs_nothing_in_the_next_step():
    seen = counts(3000, compared=0), counts(9000, compared=9000, disagreeing=450)
    canary = begun().look(seen, 1.0, CONFIG)
    assert (canary.step, canary.evidence(DISAGREEING)) == (1, 1.0)
    bad = counts(3100, failed=20), counts(9100, compared=9100, disagreeing=500)
    canary = canary.look(bad, 1.0, CONFIG)
    assert canary.reason.startswith("failed: ")


def test_failures_that_strike_both_take_nobody_back():
    canary = begun().look((counts(90, failed=45), counts(900, failed=450)), 1.0, CONFIG)
    assert canary.reason == ""
    assert canary.evidence(FAILED) < 1


def test_a_step_without_traffic_ends_by_its_time():
    canary = begun().look((counts(2), counts(20)), 31.0, CONFIG)
    assert canary.reason == ""
    canary = canary.look((counts(3), counts(30)), 30.0, CONFIG)
    assert "too few answers: 3 in 60 s of step 1, expected 100" in canary.reason


def test_a_server_that_begins_anew_is_counted_on():
    canary = begun().look((counts(60), counts(600)), 1.0, CONFIG)
    canary = canary.look((counts(20), counts(100)), 1.0, CONFIG)
    assert canary.total == (counts(80), counts(700))


def test_it_goes_on_from_what_was_kept_as_if_nothing_had_happened():
    looks = [(counts(20 * n, failed=n), counts(200 * n, failed=5 * n)) for n in range(1, 5)]
    through = kept = begun()
    for look in looks:
        through = through.look(look, 1.0, CONFIG)
        kept = Canary.model_validate_json(kept.model_dump_json()).look(look, 1.0, CONFIG)
    assert kept == through


def test_looks_are_thinned_out_so_that_a_long_canary_can_be_kept():
    config = CanaryConfig(steps=(100,), min_answers=10**6, max_step_s=1e6)
    canary = begun(config)
    for look in range(1, 1000):
        canary = canary.look((counts(look), counts(9 * look)), 1.0, config)
    assert canary.points[-1].num == 999
    nums = [each.num for each in canary.points]
    assert all(a < b for a, b in itertools.pairwise(nums))
    assert len(canary.model_dump_json()) < 30_000


def share_taken_back(config, failed, num_canaries, per_look=200):
    """Share of simulated canaries that are taken back, of versions that fail by so much."""
    rng, taken = np.random.default_rng(0), 0
    for _ in range(num_canaries):
        canary, seen = begun(config), [counts(), counts()]
        while not canary.is_over(config):
            mine = int(rng.binomial(per_look, canary.share(config) / 1000))
            for index, size in enumerate((mine, per_look - mine)):
                num_failed = int(rng.binomial(size, failed[index]))
                slow = int(rng.binomial(size - num_failed, (0.02, 0.01)[index]))
                pair = (size, int(rng.binomial(size, 0.1))) if index else (0, 0)
                seen[index] += counts(size, num_failed, slow, *pair)
            canary = canary.look((seen[0], seen[1]), 0.01, config)
        taken += bool(canary.reason)
    return taken / num_canaries


def test_whole_canaries_at_all_limits_are_rarely_taken_back():
    """All guards together, in all steps: at most alpha."""
    assert share_taken_back(CONFIG, (0.03, 0.02), 300) <= CONFIG.alpha


@pytest.mark.parametrize(("failed", "power"), [(0.05, 0.9), (0.1, 0.99)])
def test_the_power_that_the_readme_states(failed, power):
    """As it is set without a word: 500 answers a step; the other version fails at 1 %."""
    assert share_taken_back(CanaryConfig(), (failed, 0.01), 150, per_look=400) >= power


def test_settings_that_shrink_are_refused():
    with pytest.raises(ValueError, match="shares that grow"):
        CanaryConfig(steps=(200, 100))
