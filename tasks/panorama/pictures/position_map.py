"""A map of where captures were taken, to scale, without anything from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, floor, log10, radians

from tasks.panorama.photo_records import Position

_EARTH_M_PER_DEG = 111_195.0  # a sphere of 6,371 km
_LEAST_EXTENT_M = 20.0  # positions are known to some metres
_WIDTH, _HEIGHT, _MARGIN = 320.0, 240.0, 24.0
_BAR_SHARE = 0.3  # of the map's width that the scale bar takes, at most


@dataclass(frozen=True)
class PositionMap:
    """Places on a drawing of `width` x `height`, north up.

    Attributes:
        points: (x, y) by the capture's id.
        bar: Length of the scale bar.
        bar_text: What it stands for.
        width: Of the drawing.
        height: Of the drawing.
    """

    points: dict[str, tuple[float, float]]
    bar: float
    bar_text: str
    width: float = _WIDTH
    height: float = _HEIGHT


def position_map(positions: Mapping[str, Position]) -> PositionMap | None:
    """Lay positions out on a plane that touches the earth in their middle; None without any."""
    if not positions:
        return None
    first = next(iter(positions.values()))
    east_deg = {
        name: (each.longitude_deg - first.longitude_deg + 180) % 360 - 180
        for name, each in positions.items()
    }
    north_deg = {name: each.latitude_deg for name, each in positions.items()}
    middle_east, middle_north = _middle(east_deg), _middle(north_deg)
    shrink = max(cos(radians(middle_north)), 0.01)
    metres = {
        name: (
            (east_deg[name] - middle_east) * _EARTH_M_PER_DEG * shrink,
            (north_deg[name] - middle_north) * _EARTH_M_PER_DEG,
        )
        for name in positions
    }
    half_m = [
        max(*(abs(each[axis]) for each in metres.values()), _LEAST_EXTENT_M / 2) for axis in (0, 1)
    ]
    scale = min((_WIDTH / 2 - _MARGIN) / half_m[0], (_HEIGHT / 2 - _MARGIN) / half_m[1])
    bar_m = _round_length(_WIDTH * _BAR_SHARE / scale)
    return PositionMap(
        points={
            name: (round(_WIDTH / 2 + x * scale, 1), round(_HEIGHT / 2 - y * scale, 1))
            for name, (x, y) in metres.items()
        },
        bar=round(bar_m * scale, 1),
        bar_text=f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m",
    )


def _middle(values: Mapping[str, float]) -> float:
    return (min(values.values()) + max(values.values())) / 2


def _round_length(most_m: float) -> float:
    """The largest of 1, 2, 5, 10, … that is not longer."""
    power = 10.0 ** floor(log10(most_m))
    return max(step * power for step in (1, 2, 5) if step * power <= most_m)
