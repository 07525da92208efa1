"""Sheets of pictures: where tiles stand, and that what is said is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.report.sheet import (
    EMPTY,
    GOOD,
    PAPER,
    LegendEntry,
    Row,
    Tile,
    contact_sheet,
    enlarged,
    in_rows,
    sheet,
    thumbnail,
)


def plain(colour: tuple[int, int, int], size_px: int = 10) -> np.ndarray:
    return np.full((size_px, size_px, 3), colour, np.uint8)


def box_of(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a colour's pixels."""
    rows, columns = np.nonzero((picture == colour).all(-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_tiles_stand_in_rows_and_columns_of_one_size() -> None:
    rows = [Row((Tile(plain(RED)), Tile(plain(BLUE)))), Row((Tile(plain((0, 255, 0))),))]
    found = sheet(rows, "Title", tile_px=50)
    red, blue, green = (box_of(found, colour) for colour in (RED, BLUE, (0, 255, 0)))
    for left, top, right, bottom in (red, blue, green):
        assert (right - left, bottom - top) == (50, 50)
    assert red[1] == blue[1]
    assert blue[0] - red[2] == green[1] - red[3] > 0
    assert green[0] == red[0]
    assert found.shape[1] >= blue[2] + red[0]
    margin = found[:, :10], found[:, -10:], found[:10], found[-10:]
    assert all((edge == PAPER).all() for edge in margin)


def test_frames_lie_within_the_tile() -> None:
    found = sheet([Row((Tile(plain(RED), mark=GOOD), Tile(plain(BLUE))))], "T", tile_px=50)
    frame, red = box_of(found, GOOD), box_of(found, RED)
    assert (frame[2] - frame[0], red[2] - red[0]) == (50, 42)
    assert red[0] - frame[0] == frame[2] - red[2] == 4


@pytest.mark.parametrize("part", ["title", "note", "heads", "label", "caption", "legend"])
def test_every_text_is_drawn(part: str) -> None:
    def drawn(text: str) -> np.ndarray:
        texts = {"title": "", "note": "", "heads": "", "label": "", "caption": "", "legend": ""}
        texts[part] = text
        return sheet(
            [Row((Tile(plain(RED), texts["caption"]),), texts["label"])],
            texts["title"] or "Title",
            texts["note"] or "note",
            heads=[texts["heads"] or "head"],
            legend=[LegendEntry(texts["legend"] or "entry", BLUE)],
        )

    one, other = drawn("mm"), drawn("ll")
    assert one.shape != other.shape or (one != other).any()


def test_sheet_is_as_wide_as_its_longest_text() -> None:
    note = "a note that is much longer than the only tile of this sheet is wide, and then more"
    narrow = sheet([Row((Tile(plain(RED)),))], "T", tile_px=40)
    wide = sheet([Row((Tile(plain(RED)),))], "T", note, tile_px=40)
    assert wide.shape[1] > 10 * narrow.shape[1] / 3
    last_ink = np.nonzero((wide != PAPER).any((0, 2)))[0].max()
    assert last_ink < wide.shape[1] - 10


def test_masks_keep_their_colours_and_pictures_are_smoothed() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[1:3, 1:3] = 200
    assert set(np.unique(enlarged(Tile(picture, is_mask=True), 37))) == {0, 200}
    assert len(np.unique(enlarged(Tile(picture), 37))) > 2
    assert enlarged(Tile(np.zeros((20, 40, 3), np.uint8)), 10).shape == (5, 10, 3)
    assert (enlarged(Tile(None), 8) == EMPTY).all()


def test_rows_are_filled_from_the_left() -> None:
    tiles = [Tile(plain(RED), str(index)) for index in range(7)]
    rows = in_rows(tiles, 3)
    assert [[tile.caption for tile in row.tiles] for row in rows] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]


def test_thumbnail_keeps_the_shape() -> None:
    assert thumbnail(np.zeros((300, 400, 3), np.uint8), 100).shape == (75, 100, 3)
    assert thumbnail(np.zeros((30, 40, 3), np.uint8), 100).shape == (30, 40, 3)


def test_contact_sheet_shows_every_picture_as_large_as_it_is() -> None:
    colours = [(40 * (i + 1), 0, 0) for i in range(5)]
    images = [np.full((48, 60, 3), colour, np.uint8) for colour in colours]
    tiles = [Tile(image, f"photo {i}") for i, image in enumerate(images)]
    found = contact_sheet(tiles, "T")
    boxes = [box_of(found, colour) for colour in colours]
    assert [(right - left, bottom - top) for left, top, right, bottom in boxes] == [(60, 48)] * 5
    assert boxes[0][1] == boxes[2][1] < boxes[3][1]
    column = contact_sheet(tiles, "T", width_px=120)
    assert len({box_of(column, colour)[0] for colour in colours}) == 1


def test_captions_stay_within_their_tile() -> None:
    tiles = [Tile(plain(RED), "a name that is far longer than its tile is wide"), Tile(plain(RED))]
    found = sheet([Row(tuple(tiles))], "T", tile_px=60)
    top = box_of(found, RED)[3] + 1
    ink = np.nonzero((found[top:] != PAPER).any((0, 2)))[0]
    assert 24 <= ink.min() < ink.max() < 24 + 60
