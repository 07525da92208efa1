"""Records of what pages show of a capture, over and beside its panorama."""

from __future__ import annotations

from tasks.core.records import FileRef, Record


class Direction(Record):
    """A direction on a panorama, and what is seen there.

    Attributes:
        title: What is seen.
        yaw_deg: Angle from the middle column to the right.
        pitch_deg: Angle from the horizon upwards.
    """

    schema_id = "panorama.direction/1"

    title: str
    yaw_deg: float
    pitch_deg: float


class SphereView(Record):
    """What a viewer shows over a published panorama.

    Attributes:
        seams: Where photos meet: PNG of the whole sphere, transparent but for the lines.
        warp: How far the repair moved what is seen, JSON: column and row where things are now, and
            how far they went to the right and down, px of the panorama; None where it is none.
        long_shift_px: The 99th percentile of the shifts, px of the panorama at the horizon.
        arrow_factor: How many times as long as the shifts arrows are drawn.
        photos: The middle of what each photo shows, by its name.
        worst: The worst places of seams, by the names of their photos, the worst first.
    """

    schema_id = "panorama.sphere_view/1"

    seams: FileRef
    warp: FileRef | None
    long_shift_px: float
    arrow_factor: int
    photos: tuple[Direction, ...]
    worst: tuple[Direction, ...]
