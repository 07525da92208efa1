from __future__ import annotations

import pytest

from tasks.grasping.manifests import Tally
from tasks.grasping.pictures.data_card import rate_with_interval


@pytest.mark.parametrize(
    ("attempts", "successes", "expected"),
    [
        (100, 50, "50.0% (40.4% to 59.6%)"),
        (10, 0, "0.0% (0.0% to 27.8%)"),
        (10, 10, "100.0% (72.2% to 100.0%)"),
        (0, 0, "-"),
    ],
)
def test_rates_carry_the_interval_of_wilson(attempts: int, successes: int, expected: str) -> None:
    assert rate_with_interval(Tally(attempts=attempts, successes=successes)) == expected
