"""The sequential test, by simulated canaries: what it accuses wrongly, and what it finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.serving.release.sequential import MULTIPLES, Evidence

ALPHA = 0.05
NUM_CANARIES, NUM_LOOKS = 400, 60


def share_convicted(rng, num, num_other, p, p_other, max_ratio):
    """Share of canaries that are convicted at any of their looks."""
    convicted = 0
    for _ in range(NUM_CANARIES):
        evidence = Evidence()
        bad, bad_other = rng.binomial(num, p), rng.binomial(num_other, p_other)
        for look in zip(bad, num, bad_other, num_other, strict=True):
            evidence = evidence.against(*map(int, look), max_ratio)
            if evidence.value >= 1 / ALPHA:
                convicted += 1
                break
    return convicted / NUM_CANARIES


def steps(per_look=40):
    """Requests a look of both, while the candidate's share grows from 5 to 50 %."""
    share = np.repeat([0.05, 0.2, 0.5], NUM_LOOKS // 3)
    num = np.maximum(1, (per_look * share).astype(int))
    return num, per_look - num


@pytest.mark.parametrize("p", [0.002, 0.02, 0.2, 0.6])
def test_who_fails_as_often_as_is_allowed_is_rarely_accused_however_often_one_looks(p):
    num, num_other = steps()
    rng = np.random.default_rng(1)
    assert share_convicted(rng, num, num_other, p, p / 1.5, 1.5) <= ALPHA


def test_a_failure_elsewhere_that_strikes_both_accuses_nobody():
    num, num_other = steps()
    p = np.where(np.arange(NUM_LOOKS) % 20 < 3, 0.5, 0.001)
    assert share_convicted(np.random.default_rng(2), num, num_other, p, p, 1.0) <= ALPHA


def test_a_share_that_follows_what_was_seen_opens_no_door():
    """The next share may be chosen by the evidence so far: here it grows while that is high."""
    rng, convicted = np.random.default_rng(3), 0
    for _ in range(NUM_CANARIES):
        evidence = Evidence()
        for _look in range(NUM_LOOKS):
            num = 30 if evidence.value > 1 else 3
            bad, other = rng.binomial([num, 40 - num], 0.05)
            evidence = evidence.against(int(bad), num, int(other), 40 - num, 1.0)
            if evidence.value >= 1 / ALPHA:
                convicted += 1
                break
    assert convicted / NUM_CANARIES <= ALPHA


def test_who_fails_much_more_often_is_found():
    """Of 3,000 answers of the candidate: 5 % of failures beside 1 %, and 10 %."""
    num, num_other = steps(per_look=200)
    rng = np.random.default_rng(4)
    assert share_convicted(rng, num, num_other, 0.05, 0.01, 1.5) >= 0.9
    assert share_convicted(rng, num, num_other, 0.10, 0.01, 1.5) >= 0.99


def test_a_share_of_disagreement_that_is_allowed_is_rarely_accused_and_twice_as_much_is_found():
    rng = np.random.default_rng(5)

    def convicted(p):
        found = 0
        for _ in range(NUM_CANARIES):
            evidence = Evidence()
            for bad in rng.binomial(20, p, NUM_LOOKS):
                evidence = evidence.above(int(bad), 20, 0.1)
                if evidence.value >= 1 / ALPHA:
                    found += 1
                    break
        return found / NUM_CANARIES

    assert convicted(0.1) <= ALPHA
    assert convicted(0.2) >= 0.99


def test_evidence_is_the_mean_over_how_much_worse_it_may_be():
    found = Evidence().against(1, 100, 0, 100, 1.0)
    shares = [each / (each + 1) for each in MULTIPLES]
    assert found.value == pytest.approx(np.mean([each / 0.5 for each in shares]))
    assert Evidence().value == 1
    assert Evidence().against(0, 0, 3, 100, 1.0) == Evidence(), "nobody to compare with"


def test_much_evidence_is_a_number():
    found = Evidence().against(10_000, 10_000, 0, 10_000, 1.0)
    assert math.isfinite(found.value)
    assert found.value > 1e9
    assert math.isfinite(Evidence().above(10_000, 10_000, 0.5).value)
