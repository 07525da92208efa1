"""Records of what photos say of where, when and by whom a capture was taken."""

from __future__ import annotations

from tasks.core.records import Record


class Position(Record):
    """Where a capture was taken (WGS 84)."""

    schema_id = "panorama.position/1"

    latitude_deg: float
    longitude_deg: float


class PhotoFacts(Record):
    """What a photo says of where, when, by whom and with what it was taken.

    Attributes:
        position: Where.
        altitude_m: Above the sea.
        heading_deg: Compass heading in which it looks, or its rig does; 0 to 360.
        is_magnetic: Whether that is counted from magnetic north; else from true north.
        taken_at: Local time as ``2024-05-06T07:08:09``, with ``+02:00`` behind where that is known;
            empty where nothing is.
        artist: Who took it; empty where unknown, like all that follow.
        copyright: Whose it is.
        make: Maker of the camera.
        model: The camera.
    """

    schema_id = "panorama.photo_facts/2"

    position: Position | None = None
    altitude_m: float | None = None
    heading_deg: float | None = None
    is_magnetic: bool = False
    taken_at: str = ""
    artist: str = ""
    copyright: str = ""
    make: str = ""
    model: str = ""


class Origin(Record):
    """What tells a capture from others, for the catalogue.

    Attributes:
        digest: Of its photos, masks and rig.
        rig: Where its rig came from, and which it is: equal for captures of one calibrated rig.
        time: When it was taken, by the first photo, ISO 8601, local; None where no photo says it.
        position: Where; None where no photo says it.
    """

    schema_id = "panorama.origin/1"

    digest: str
    rig: str
    time: str | None
    position: Position | None
