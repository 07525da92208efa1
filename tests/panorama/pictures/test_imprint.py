from __future__ import annotations

import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.photo_records import PhotoFacts, Position
from tasks.panorama.pictures.imprint import UNKNOWN, imprint_of
from tasks.panorama.types import Rig
from tests.support.panorama.rigs import make_camera


def rig_of(*turns: tuple[float, float]) -> Rig:
    """Cameras turned right by a yaw and up by a pitch."""
    rotations = [Rotation.from_euler("YX", turn, degrees=True).as_matrix().T for turn in turns]
    return Rig(tuple(make_camera(name=str(i), rotation=r) for i, r in enumerate(rotations)))


def heading(headings, *turns, forward_deg=0.0):
    facts = [PhotoFacts(heading_deg=each) for each in headings]
    return imprint_of(facts, rig_of(*turns), forward_deg, "street").heading_deg


LEVEL = ((-40, 0), (0, 0), (40, 0))


@pytest.mark.parametrize(
    ("headings", "turns", "expected"),
    [
        ((310, 350, 30), LEVEL, 350),
        ((None, 350, None), LEVEL, 350),
        ((None, None, 35), LEVEL, 355),
        ((309, 351, 30), LEVEL, 350),
        ((90, 90, 90), LEVEL, 90),
        ((310, 350, 123), (LEVEL[0], LEVEL[1], (40, 85)), 350),
        ((None, None, None), LEVEL, None),
    ],
    ids=["own", "one", "other", "compass", "the rig's", "one looks up", "none"],
)
def test_heading_of_the_middle(headings, turns, expected):
    found = heading(headings, *turns)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.5))


def test_a_rig_that_was_turned_carries_its_heading_with_it():
    assert heading((90, 90, 90), *LEVEL, forward_deg=170.0) == pytest.approx(280)
    assert heading((310, 350, 30), *LEVEL, forward_deg=170.0) == pytest.approx(350)


def test_headings_that_contradict_each_other_say_nothing(caplog):
    assert heading((10, 130, 250), *LEVEL) is None
    assert "street: the photos' headings contradict each other" in caplog.text


def test_position_time_and_people():
    facts = [
        PhotoFacts(
            position=Position(latitude_deg=north, longitude_deg=east),
            altitude_m=height,
            taken_at=f"2024-05-06T07:08:0{second}",
            artist=artist,
            copyright="(c) us",
            make="Maker",
            model=model,
        )
        for north, east, height, second, artist, model in (
            (50.0, 179.9999, 10.0, 9, "Eve", "One"),
            (50.0002, -179.9999, 12.0, 3, "Adam", "Two"),
            (50.0001, -179.9997, 90.0, 5, "Eve", "Two"),
        )
    ]
    found = imprint_of([*facts, PhotoFacts()], rig_of(*LEVEL, (80, 0)))
    assert found.position.latitude_deg == pytest.approx(50.0001)
    assert found.position.longitude_deg == pytest.approx(-179.9999)
    assert found.altitude_m == 12.0
    assert (found.first_date[-2:], found.last_date[-2:]) == ("03", "09")
    assert (found.artist, found.copyright) == ("Adam; Eve", "(c) us")
    assert (found.make, found.model) == ("Maker", "Two")
    assert imprint_of([PhotoFacts()] * 3, rig_of(*LEVEL)) == UNKNOWN
