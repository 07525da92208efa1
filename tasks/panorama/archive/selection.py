"""Which captures of an archive a run is for: by place, rig or time."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from math import asin, cos, radians, sin, sqrt

from tasks.core.errors import ConfigError
from tasks.panorama.config import IngestConfig
from tasks.panorama.manifests import CaptureRecord
from tasks.panorama.photo_records import Position

_EARTH_RADIUS_M = 6_371_009.0  # mean radius, IUGG


def check_selection(config: IngestConfig) -> None:
    """Look at what is asked for before any capture is.

    Raises:
        ConfigError: There is no such place, day or time, or the last is before the first.
    """
    if "," in config.place:
        _circle(config.place)
    for name, text in (("since", config.since), ("until", config.until)):
        try:
            datetime.fromisoformat(text or "2026-05-01")
        except ValueError as error:
            raise ConfigError(
                f"ingest.{name}: expected a day such as 2026-05-01, got {text!r}"
            ) from error
    if config.until and config.since[: len(config.until)] > config.until:
        raise ConfigError(
            f"ingest.until: expected no earlier time than ingest.since, {config.since}, got "
            f"{config.until}"
        )


def selects(config: IngestConfig, capture: CaptureRecord) -> bool:
    """Whether a run is for a capture; one that doesn't say where or when is for no such run.

    Args:
        config: As `check_selection` lets it pass.
        capture: The capture.
    """
    origin = capture.origin
    return (
        _is_at(config.place, capture.item_id, origin.position)
        and (not config.rig or origin.rig == config.rig)
        and (not config.since or (origin.time or "") >= config.since)
        and (not config.until or (origin.time or "~")[: len(config.until)] <= config.until)
    )


def _is_at(place: str, item_id: str, position: Position | None) -> bool:
    if "," not in place:
        return not place or fnmatchcase(item_id, place)
    latitude_deg, longitude_deg, radius_m = _circle(place)
    if position is None:
        return False
    here = Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg)
    return distance_m(here, position) <= radius_m


def _circle(place: str) -> tuple[float, float, float]:
    try:
        latitude_deg, longitude_deg, radius_m = map(float, place.split(","))
        is_right = abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180 and radius_m >= 0
    except ValueError:
        is_right = False
    if not is_right:
        raise ConfigError(
            f"ingest.place: expected latitude, longitude (degrees) and radius (m), such as "
            f"52.5163,13.3777,500, or a pattern of names without a comma, got {place!r}"
        )
    return latitude_deg, longitude_deg, radius_m


def distance_m(one: Position, other: Position) -> float:
    """Distance of two places along the ground (haversine formula)."""
    lat_a, lat_b = radians(one.latitude_deg), radians(other.latitude_deg)
    half_north, half_east = (
        (lat_b - lat_a) / 2,
        radians(other.longitude_deg - one.longitude_deg) / 2,
    )
    share = sin(half_north) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_east) ** 2
    return 2 * _EARTH_RADIUS_M * asin(sqrt(min(1.0, share)))
