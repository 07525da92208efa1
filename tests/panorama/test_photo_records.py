from __future__ import annotations

import pytest
from pydantic import ValidationError

from tasks.panorama.photo_records import Origin, PhotoFacts, Position

PLACE = Position(latitude_deg=-33.86, longitude_deg=151.21)


def test_facts_come_back_as_they_were_written() -> None:
    facts = PhotoFacts(
        position=PLACE, heading_deg=270.0, is_magnetic=True, taken_at="2024-05-06T07:08:09+02:00"
    )
    assert PhotoFacts.model_validate_json(facts.model_dump_json()) == facts


def test_a_photo_may_say_nothing() -> None:
    facts = PhotoFacts.model_validate_json("{}")
    assert (facts.position, facts.heading_deg, facts.taken_at) == (None, None, "")


def test_an_origin_says_of_time_and_place_that_they_are_unknown() -> None:
    origin = Origin(digest="d", rig="r", time=None, position=None)
    assert Origin.model_validate_json(origin.model_dump_json()) == origin
    with pytest.raises(ValidationError, match="position"):
        Origin.model_validate_json('{"digest": "d", "rig": "r", "time": null}')
