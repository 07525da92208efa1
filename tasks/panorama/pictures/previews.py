"""Pictures that a page shows on a sphere: small enough for it, and where on the sphere they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.panorama.input.photos import read_photo
from tasks.panorama.pictures.gpano import GPano, read_place
from tasks.panorama.pictures.layout import fitted
from tasks.report.page import Picture
from tasks.report.picture import encode


@dataclass(frozen=True)
class Preview:
    """A picture, and which part of the sphere it shows.

    Attributes:
        picture: The picture.
        box: Left, top, width and height as shares of the whole sphere's.
    """

    picture: Picture
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def preview(path: Path, title: str, sphere_width_px: int) -> Preview:
    """Make a panorama small enough.

    Args:
        path: Panorama as `gpano` writes it; one that does not say where it lies is taken as whole.
        title: What it shows.
        sphere_width_px: Width of the whole sphere, at most.
    """
    stored = read_photo(path, 1)
    height_px, width_px = stored.shape[:2]
    place = read_place(path) or GPano(width_px, height_px)
    width, height = width_px / place.full_width_px, height_px / place.full_height_px
    small = fitted(stored, max(1, round(sphere_width_px * width)))
    left, top = place.left_px / place.full_width_px, place.top_px / place.full_height_px
    data = encode(small[..., ::-1], "preview.jpg")
    return Preview(Picture("preview.jpg", title, data), (left, top, width, height))
