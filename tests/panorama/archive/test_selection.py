from __future__ import annotations

import pytest

from tasks.core.errors import ConfigError
from tasks.core.records import FileRef
from tasks.panorama.archive.selection import check_selection, distance_m, selects
from tasks.panorama.check_records import CaptureCheck
from tasks.panorama.config import IngestConfig
from tasks.panorama.manifests import CaptureRecord
from tasks.panorama.photo_records import Origin, Position

FILE = FileRef(uri="x", sha256="0" * 64, num_bytes=1)
GATE = Position(latitude_deg=52.51628, longitude_deg=13.37770)
RIG = "colmap-0123456789ab"


def capture(position=GATE, time="2026-05-01T12:30:00"):
    return CaptureRecord(
        item_id="berlin-gate",
        images=(),
        rig=FILE,
        left_out=(),
        contact_sheet=FILE,
        truth={},
        check=CaptureCheck(rig="good", rig_fault="", photos=(), overlaps=()),
        origin=Origin(digest="d", rig=RIG, time=time, position=position),
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"place": "52.5186,13.3761,300"}, True),
        ({"place": "52.5186,13.3761,200"}, False),
        ({"place": "berlin-*"}, True),
        ({"place": "paris-*"}, False),
        ({"rig": RIG}, True),
        ({"rig": "photos-0123456789ab"}, False),
        ({"since": "2026-05-01", "until": "2026-05-01"}, True),
        ({"since": "2026-05-01T12:31"}, False),
        ({"until": "2026-05-01T12:30"}, True),
        ({"until": "2026-04-30"}, False),
        ({"place": "berlin-*", "rig": RIG, "since": "2026-06-01"}, False),
    ],
)
def test_captures_of_a_place_rig_and_time_are_selected(settings, expected):
    config = IngestConfig(**settings)
    check_selection(config)
    assert selects(config, capture()) is expected


def test_what_does_not_say_where_or_when_is_of_no_place_or_time():
    unknown = capture(position=None, time=None)
    assert selects(IngestConfig(), unknown)
    assert not selects(IngestConfig(place="52.5,13.4,1e9"), unknown)
    assert not selects(IngestConfig(since="1900-01-01"), unknown)
    assert not selects(IngestConfig(until="2100-01-01"), unknown)


@pytest.mark.parametrize(
    "place", ["91,0,5", "0,181,5", "0,0,-1", "a,b,c", "nan,0,1", "1,2,", "52.5,13.4", "1,2,3,4"]
)
def test_coordinates_that_there_are_not_are_refused(place):
    with pytest.raises(ConfigError, match=r"ingest\.place: expected latitude, longitude"):
        check_selection(IngestConfig(place=place))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"since": "2026-02-30"}, "since"),
        ({"until": "2026-01-01T25:00"}, "until"),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "until"),
    ],
)
def test_times_that_there_are_not_are_refused(settings, name):
    with pytest.raises(ConfigError, match=rf"ingest\.{name}: expected"):
        check_selection(IngestConfig(**settings))


def test_distances_are_those_on_the_ground():
    tower = Position(latitude_deg=48.85837, longitude_deg=2.29448)
    assert distance_m(GATE, tower) == pytest.approx(877_500, rel=2e-3)
    west, east = (Position(latitude_deg=0, longitude_deg=x) for x in (-179.9995, 179.9995))
    assert distance_m(west, east) == pytest.approx(111.2, rel=1e-3)
