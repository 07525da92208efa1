from __future__ import annotations

import pytest

from tasks.grasping.manifests import Tally
from tasks.grasping.pictures.data_card import pose_section, rate_with_interval
from tasks.report.estimates import Estimate


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


def test_what_poses_tell_is_said_of_both_columns() -> None:
    poses = {
        "command": Estimate(0.53, 0.02, 0.49, 0.57, 900),
        "motion": Estimate(0.63, 0.02, 0.59, 0.67, 900),
    }
    (table,) = pose_section(poses).tables
    assert table.rows == (
        ("command", "900", "0.530 (0.490 to 0.570)"),
        ("motion", "900", "0.630 (0.590 to 0.670)"),
    )
    assert "too few scenes" in pose_section({}).text[-1]
