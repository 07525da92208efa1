"""Sheets of pictures: tiles in rows under one heading, with captions, heads and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from pathlib import Path
from typing import Final

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

ByteImage = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

PAPER: Final[Colour] = (255, 255, 255)
INK: Final[Colour] = (34, 34, 34)
FAINT: Final[Colour] = (110, 110, 110)
GOOD: Final[Colour] = (22, 130, 60)
BAD: Final[Colour] = (190, 40, 40)
EMPTY: Final[Colour] = (238, 238, 238)

_MARGIN_PX = 24
_GAP_PX = 8
_FRAME_PX = 4
_TITLE_PX, _TEXT_PX, _SMALL_PX = 22, 15, 13
_LINE = 1.35  # height of a line in sizes of its letters


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Attributes:
        image: (h, w, 3), RGB; None leaves the place empty.
        caption: Text below it; lines end with a line break.
        mark: Colour of its frame; None for no frame.
        is_mask: Whether its pixels are colours of classes, which are not to be blended.
    """

    image: ByteImage | None
    caption: str = ""
    mark: Colour | None = None
    is_mask: bool = False


@dataclass(frozen=True)
class Row:
    """Tiles side by side.

    Attributes:
        tiles: From left to right.
        label: Text to their left.
        mark: Colour of the label.
    """

    tiles: tuple[Tile, ...]
    label: str = ""
    mark: Colour = INK


@dataclass(frozen=True)
class LegendEntry:
    """A colour and what it stands for."""

    text: str
    colour: Colour


def sheet(
    rows: Sequence[Row],
    title: str,
    note: str = "",
    heads: Sequence[str] = (),
    legend: Sequence[LegendEntry] = (),
    tile_px: int = 160,
) -> ByteImage:
    """Lay tiles out in rows and columns of one size.

    Args:
        rows: From top to bottom.
        title: Heading.
        note: A sentence below the heading.
        heads: Text above each column.
        legend: Colours explained at the bottom.
        tile_px: Longer side of a tile.

    Returns:
        The sheet, (h, w, 3), RGB.
    """
    labels_px = max((_text_size(row.label, _TEXT_PX)[0] for row in rows), default=0)
    left_px = _MARGIN_PX + (labels_px + 2 * _GAP_PX if labels_px else 0)
    num_columns = max(len(row.tiles) for row in rows)
    cell_px = _cell_size(rows, tile_px)
    texts = [(title, _TITLE_PX), (note, _SMALL_PX), (_legend_text(legend), _SMALL_PX)]
    width_px = max(
        left_px + num_columns * (cell_px[0] + _GAP_PX) - _GAP_PX,
        *(_MARGIN_PX + _text_size(text, size)[0] for text, size in texts),
    )
    canvas = _Canvas(width_px + _MARGIN_PX)
    canvas.line(title, _TITLE_PX, INK, _MARGIN_PX, is_bold=True)
    if note:
        canvas.line(note, _SMALL_PX, FAINT, _MARGIN_PX)
    canvas.skip(_GAP_PX)
    if heads:
        places = [left_px + i * (cell_px[0] + _GAP_PX) for i in range(len(heads))]
        canvas.heads(heads, places)
    for row in rows:
        canvas.row(row, left_px, cell_px)
    if legend:
        canvas.skip(_GAP_PX)
        canvas.legend(legend)
    return canvas.finished()


def contact_sheet(
    tiles: Sequence[Tile], title: str, note: str = "", width_px: int = 1800
) -> ByteImage:
    """Lay tiles out as large as the largest is, in about as many rows as columns.

    Args:
        tiles: At least one, with a picture each.
        title: Heading.
        note: A sentence below the heading.
        width_px: At most, unless a tile or a text is wider.

    Returns:
        The sheet, (h, w, 3), RGB.
    """
    sizes = [tile.image.shape[:2] for tile in tiles if tile.image is not None]
    fitting = width_px // (max(width for _, width in sizes) + _GAP_PX)
    num_columns = max(1, min(ceil(sqrt(len(tiles))), fitting))
    return sheet(in_rows(tiles, num_columns), title, note, tile_px=max(map(max, sizes)))


def in_rows(tiles: Sequence[Tile], num_columns: int) -> list[Row]:
    """Put tiles into rows of a number of columns."""
    firsts = range(0, len(tiles), num_columns)
    return [Row(tuple(tiles[first : first + num_columns])) for first in firsts]


def thumbnail(image: ByteImage, longer_side_px: int) -> ByteImage:
    """Shrink an image to a given longer side; a smaller one stays as it is."""
    height, width = image.shape[:2]
    factor = min(1.0, longer_side_px / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(tile: Tile, tile_px: int) -> ByteImage:
    """Scale a tile's picture so that its longer side has a length."""
    if tile.image is None:
        return np.full((tile_px, tile_px, 3), EMPTY, np.uint8)
    height_px, width_px = tile.image.shape[:2]
    scale = tile_px / max(height_px, width_px)
    size_px = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(
        tile.image, size_px, interpolation=cv2.INTER_NEAREST if tile.is_mask else way
    )
    return np.asarray(resized, np.uint8)


class _Canvas:
    """A sheet that grows downwards while it is drawn."""

    def __init__(self, width_px: int) -> None:
        self._width_px = width_px
        self._parts: list[ByteImage] = []
        self.skip(_MARGIN_PX - _GAP_PX)

    def skip(self, height_px: int) -> None:
        self._blank(height_px)

    def line(
        self, text: str, size_px: int, colour: Colour, left_px: int, *, is_bold: bool = False
    ) -> None:
        with _Drawing(self._blank(_text_size(text, size_px)[1])) as draw:
            draw.text((left_px, 0), text, colour, _font(size_px, is_bold=is_bold))

    def heads(self, heads: Sequence[str], places_px: Sequence[int]) -> None:
        height_px = max(_text_size(head, _TEXT_PX)[1] for head in heads)
        with _Drawing(self._blank(height_px)) as draw:
            for head, left_px in zip(heads, places_px, strict=True):
                draw.text((left_px, 0), head, INK, _font(_TEXT_PX))

    def row(self, row: Row, left_px: int, cell_px: tuple[int, int]) -> None:
        captions_px = max((_text_size(t.caption, _SMALL_PX)[1] for t in row.tiles), default=0)
        part = self._blank(cell_px[1] + captions_px + _GAP_PX)
        for index, tile in enumerate(row.tiles):
            if tile.image is not None:
                _place(part, tile, left_px + index * (cell_px[0] + _GAP_PX), cell_px)
        with _Drawing(part) as draw:
            top_px = (cell_px[1] - _text_size(row.label, _TEXT_PX)[1]) // 2
            draw.text((_MARGIN_PX, max(0, top_px)), row.label, row.mark, _font(_TEXT_PX))
            for index, tile in enumerate(row.tiles):
                place_px = (left_px + index * (cell_px[0] + _GAP_PX), cell_px[1] + 2)
                caption = _fitting(tile.caption, _SMALL_PX, cell_px[0])
                draw.text(place_px, caption, tile.mark or FAINT, _font(_SMALL_PX))

    def legend(self, entries: Sequence[LegendEntry]) -> None:
        with _Drawing(self._blank(round(_LINE * _SMALL_PX) + 2)) as draw:
            x_px = _MARGIN_PX
            for entry in entries:
                draw.rectangle((x_px, 2, x_px + _SMALL_PX, 2 + _SMALL_PX), entry.colour, FAINT)
                x_px += _SMALL_PX + 6
                draw.text((x_px, 0), entry.text, INK, _font(_SMALL_PX))
                x_px += _text_size(entry.text, _SMALL_PX)[0] + 18

    def finished(self) -> ByteImage:
        self.skip(_MARGIN_PX - _GAP_PX)
        return np.vstack(self._parts)

    def _blank(self, height_px: int) -> ByteImage:
        self._parts.append(np.full((height_px, self._width_px, 3), PAPER, np.uint8))
        return self._parts[-1]


class _Drawing:
    """Draws text with Pillow on an array, which is changed."""

    def __init__(self, array: ByteImage) -> None:
        self._array = array
        self._image = Image.fromarray(array)

    def __enter__(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self._image)

    def __exit__(self, *_: object) -> None:
        self._array[:] = np.asarray(self._image)


def _place(part: ByteImage, tile: Tile, left_px: int, cell_px: tuple[int, int]) -> None:
    if tile.mark is not None:
        part[: cell_px[1], left_px : left_px + cell_px[0]] = tile.mark
    inset = _FRAME_PX if tile.mark is not None else 0
    image = enlarged(tile, max(cell_px) - 2 * inset)
    height_px, width_px = image.shape[:2]
    part[inset : inset + height_px, left_px + inset : left_px + inset + width_px] = image


def _cell_size(rows: Sequence[Row], tile_px: int) -> tuple[int, int]:
    """(width, height) that holds every tile."""
    sizes = [enlarged(tile, tile_px).shape[1::-1] for row in rows for tile in row.tiles]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _legend_text(legend: Sequence[LegendEntry]) -> str:
    return "      ".join(entry.text for entry in legend)


@cache
def _font(size_px: int, *, is_bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts/ttf" / name, size_px)


def _fitting(text: str, size_px: int, width_px: int) -> str:
    """Lines of text, those that are too long cut off with a sign."""
    font = _font(size_px)
    lines = []
    for line in text.split("\n"):
        shown = line
        while shown and font.getlength(shown) > width_px:
            shown = f"{shown[:-2]}…" if len(shown) > 2 else ""
        lines.append(shown)
    return "\n".join(lines)


def _text_size(text: str, size_px: int) -> tuple[int, int]:
    """(width, height) of lines of text; no text has no size."""
    if not text:
        return 0, 0
    lines = text.split("\n")
    width_px = max(_font(size_px, is_bold=True).getlength(line) for line in lines)
    return round(width_px), round(_LINE * size_px * len(lines)) + 2
