from __future__ import annotations

from math import cos, hypot, radians

import pytest

from tasks.panorama.photo_records import Position
from tasks.panorama.pictures.position_map import PositionMap, position_map


def place(latitude: float, longitude: float) -> Position:
    return Position(latitude_deg=latitude, longitude_deg=longitude)


def metres_per_unit(found: PositionMap) -> float:
    length, unit = found.bar_text.split()
    return float(length) * {"m": 1, "km": 1000}[unit] / found.bar


@pytest.mark.parametrize("step_deg", [0.0005, 0.01, 2.0])
def test_it_is_to_scale_and_north_is_up(step_deg):
    found = position_map(
        {"a": place(60, 10), "east": place(60, 10 + step_deg), "north": place(60 + step_deg, 10)}
    )

    (x, y), east, north = (found.points[name] for name in ("a", "east", "north"))
    assert east[1] == y
    assert north[0] == x
    scale = metres_per_unit(found)
    assert (y - north[1]) * scale == pytest.approx(step_deg * 111_195, rel=0.02)
    east_m = step_deg * 111_195 * cos(radians(60 + step_deg / 2))
    assert (east[0] - x) * scale == pytest.approx(east_m, rel=0.02)
    assert all(0 < x < found.width and 0 < y < found.height for x, y in found.points.values())
    assert 0 < found.bar <= 0.3 * found.width


def test_the_date_line_parts_nothing():
    found = position_map({"a": place(0, 179.999), "b": place(0, -179.999)})
    a, b = found.points["a"], found.points["b"]
    assert a[0] < b[0]
    assert hypot(b[0] - a[0], b[1] - a[1]) * metres_per_unit(found) == pytest.approx(222, rel=0.02)


def test_one_place_lies_in_the_middle():
    found = position_map({"a": place(48, 11), "b": place(48, 11)})
    assert set(found.points.values()) == {(160.0, 120.0)}
    assert found.bar_text == "10 m"


def test_no_position_no_map():
    assert position_map({}) is None
