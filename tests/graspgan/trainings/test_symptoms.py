from __future__ import annotations

import pytest

from tasks.graspgan.trainings.symptoms import symptoms

WELL = {
    "discriminator_loss": 0.44,
    "task_loss_raw": 0.38,
    "task_loss_adapted": 0.5,
    "blind_loss": 0.62,
    "diversity_ratio": 0.8,
    "diversity_ratio_station_0": 0.9,
    "diversity_ratio_station_2": 0.7,
    "own_over_other_station_0": 0.4,
    "own_over_other_station_2": 1.1,
}


def test_a_well_one_has_none() -> None:
    assert symptoms(WELL, "from_plain") == {}
    assert symptoms(WELL, "from_cut") == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("discriminator_loss", 0.09, "too well to teach: their loss is 0.09, that of guessing 0.5"),
        (
            "diversity_ratio_station_2",
            0.3,
            "adapted pictures of station 2 vary 0.30 times as much as real ones",
        ),
        (
            "own_over_other_station_0",
            3.0,
            "station 0 are 3.0 times as far from real ones of it as from those of another station",
        ),
        (
            "task_loss_adapted",
            0.6,
            "hide what tells success: C's loss is 0.60 on adapted pictures and 0.38 on raw ones, "
            "0.62 without any",
        ),
    ],
)
def test_each_limit_is_told_by_its_figure(name: str, value: float, says: str) -> None:
    found = symptoms(WELL | {name: value}, "from_cut")
    assert [*found] == [name]
    assert says in found[name]


def test_blobs_are_those_of_plain_simulation() -> None:
    blobs = WELL | {"task_loss_adapted": 0.41}
    assert "as easy to see as before" in symptoms(blobs, "from_plain")["task_loss_raw"]
    assert symptoms(blobs, "from_cut") == {}, "in the target's textures nothing is to hide"


def test_what_c_never_knew_nobody_hides() -> None:
    ignorant = WELL | {"task_loss_raw": 0.64, "task_loss_adapted": 0.7}
    assert symptoms(ignorant, "from_cut") == {}
