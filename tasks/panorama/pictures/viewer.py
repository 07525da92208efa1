"""A page in which one looks around in a run's panoramas, before and after at the same direction.

It is one file that asks for nothing else, since from ``file://`` a browser lets WebGL have no
other file's pictures. Without the viewer that `make assets` fetches, or without WebGL, the same
page shows panoramas flat.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from tasks.core.records import FileRef
from tasks.panorama.check_records import WORST_FIRST
from tasks.panorama.manifests import PublishedCapture, RenderRecord
from tasks.panorama.photo_records import Position
from tasks.panorama.pictures.gpano import read_place
from tasks.panorama.pictures.position_map import position_map
from tasks.panorama.pictures.previews import Preview, preview
from tasks.panorama.pictures.report import figures_of, said
from tasks.panorama.views import SphereView
from tasks.report.assets import PANNELLUM, read_assets
from tasks.report.page import Cell, Picture

logger = logging.getLogger(__name__)

# The files count in a stage's key like code, because their names stand here.
_PAGE: Final = "templates/viewer.html.j2"
_PARTS: Final = ("templates/viewer.css.j2", "templates/viewer.js.j2")


@dataclass(frozen=True)
class Viewed:
    """A capture as the page shows it.

    Attributes:
        published: Its verdict and figures.
        pictures: ``before`` and ``after``, and over them ``seams``.
        sphere_width_px: Width of the whole sphere, at the scale of the pictures.
        full_width_px: The same of the published panorama.
        view: What is seen where.
        warp: Its arrows, as `SphereView` states them; empty without any.
        warp_text: How they are to be read.
        heading_deg: Compass heading of the panorama's middle, if known.
    """

    published: PublishedCapture
    pictures: Mapping[str, Preview]
    sphere_width_px: int
    full_width_px: int
    view: SphereView
    warp: tuple[tuple[float, ...], ...]
    warp_text: str
    heading_deg: float | None

    @property
    def name(self) -> str:
        """The capture's id."""
        return self.published.item_id

    @property
    def verdict(self) -> Cell:
        """What it is worth, if that is in doubt, and how it came out."""
        is_repaired, verdict = self.published.is_repaired, self.published.verdict
        way = "repaired" if is_repaired else "as it was"
        if verdict != "good":
            return Cell(f"{verdict}, {way}", "bad")
        return Cell(way, "good" if is_repaired else "bad")

    @property
    def said(self) -> list[str]:
        """Sentences about it."""
        return said(self.published)

    @property
    def figures(self) -> list[tuple[str, str, Cell]]:
        """Title, before and after of each figure."""
        return figures_of(self.published)

    @property
    def photos(self) -> list[tuple[str, float, float]]:
        """Name, yaw and pitch of each photo's middle."""
        return [(each.title, each.yaw_deg, each.pitch_deg) for each in self.view.photos]

    @property
    def num_bytes(self) -> int:
        """What it adds to the page, about."""
        return sum(len(each.picture.data) for each in self.pictures.values()) * 4 // 3


def viewed(
    capture: RenderRecord,
    published: PublishedCapture,
    fetch: Callable[[FileRef], Path],
    most_px: int,
) -> Viewed:
    """Make ready what the page shows of a capture.

    Args:
        capture: The capture.
        published: The same, as it is published.
        fetch: Gives a file's local path.
        most_px: Width of the whole sphere, at most.
    """
    panorama, view = fetch(capture.panorama), capture.view
    width_px = min(most_px, capture.width_px)
    seams = Picture("seams.png", f"{capture.item_id}, seams", fetch(view.seams).read_bytes())
    warp = [] if view.warp is None else json.loads(fetch(view.warp).read_text("utf-8"))
    scale = width_px / capture.width_px
    place = read_place(panorama)
    return Viewed(
        published=published,
        pictures={
            "before": preview(fetch(capture.before), f"{capture.item_id}, before", width_px),
            "after": preview(panorama, f"{capture.item_id}, after", width_px),
            "seams": Preview(seams),
        },
        sphere_width_px=width_px,
        full_width_px=capture.width_px,
        view=view,
        warp=tuple(tuple(round(value * scale, 1) for value in arrow) for arrow in warp),
        warp_text=(
            f"Arrows lead to where things are now and are {view.arrow_factor} times as long as the "
            f"way; one way in a hundred is longer than {view.long_shift_px:.1f} px of "
            f"{capture.width_px:,}."
        ),
        heading_deg=None if place is None else place.imprint.heading_deg,
    )


def most_telling(captures: Sequence[RenderRecord]) -> list[RenderRecord]:
    """Sort captures for a page that can't show all: those in doubt, refused ones, worst seams."""

    def rank(capture: RenderRecord) -> tuple[int, bool, float, str]:
        verdict = WORST_FIRST.index(capture.verdict)
        worst = capture.figures[capture.published].get("seam_excess_worst", 0.0)
        return verdict, capture.is_repaired, -worst, capture.item_id

    return sorted(captures, key=rank)


def viewer_page(
    captures: Sequence[Viewed], num_captures: int, positions: Mapping[str, Position]
) -> str:
    """Write the page.

    Args:
        captures: What is shown.
        num_captures: How many the run has.
        positions: Where captures were taken, as far as it is known; also of those not shown.
    """
    assets = read_assets(PANNELLUM)
    if assets is None:
        logger.warning("the viewer shows panoramas flat: `make assets` fetches what draws a sphere")
    script, style, licence = assets or ("", "", "")
    return _template().render(
        captures=captures,
        num_captures=num_captures,
        map=position_map(positions),
        places={each.name: index for index, each in enumerate(captures)},
        script=script,
        style=style,
        licence=licence,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _PARTS
    environment.globals |= {"own_style": style, "own_script": script}
    return environment.get_template(_PAGE)
