"""Pictures: well-formed SVG, PNG of the right size and colours, the same bytes each time."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks.nas.pictures.cell_drawing import draw_cell
from tasks.nas.pictures.drawing import Box, Curve, Drawing, Kind
from tasks.nas.pictures.render import png, svg, write_drawing
from tasks.nas.space.published import published

SVG = "{http://www.w3.org/2000/svg}"
CELL = draw_cell(published("nasnet_a").reduce, "a < b & c_d $e$")


@pytest.fixture(scope="module")
def picture() -> bytes:
    return png(CELL, scale=1.0)


def test_the_svg_holds_all_boxes_curves_and_words() -> None:
    root = ElementTree.fromstring(svg(CELL))  # noqa: S314 - our own document
    assert len(root.findall(f"{SVG}path")) == len(CELL.curves)
    assert len(root.findall(f"{SVG}rect")) == len(CELL.boxes)  # the paper, but not the title
    words = ["".join(text.itertext()) for text in root.findall(f"{SVG}text")]
    assert words.count("sep 7×7") == 2
    assert "h" + "i\N{MINUS SIGN}1" in words
    assert "a < b & c_d $e$" in words


def test_the_png_has_the_size_and_the_colours(picture) -> None:
    image = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    assert image.shape[:2] == pytest.approx((CELL.height, CELL.width), abs=1)
    (box,) = (each for each in CELL.boxes if each.label == "sep 3×3")
    corner = image[int(box.y + 6), int(box.x + 6)]
    assert corner.tolist() == [0xFD, 0xEE, 0xBD]
    (top,) = (each for each in CELL.boxes if each.label.startswith("concat"))
    assert (image[int(top.y + top.height / 2), int(top.x) : int(top.x + top.width)] < 80).any()


def test_a_curve_ends_where_it_should() -> None:
    points = ((20.0, 80.0), (20.0, 50.0), (80.0, 50.0), (80.0, 20.0))
    drawing = Drawing(100.0, 100.0, (), (Curve(points, Kind.FROM_BLOCK),))
    dark = np.asarray(Image.open(io.BytesIO(png(drawing, 1.0))).convert("L")) < 160
    assert dark[78:82, 18:22].any()
    assert dark[19:23, 78:82].any()
    assert dark[49:51, 48:52].any()
    assert not dark[:15].any()


def test_an_identity_is_dashed_in_both() -> None:
    drawing = Drawing(100.0, 40.0, (Box(10, 10, 80, 20, "identity", Kind.IDENTITY),), ())
    assert "stroke-dasharray" in svg(drawing)
    edge = np.asarray(Image.open(io.BytesIO(png(drawing, 4.0))).convert("L"))[40, 60:340]
    assert ((edge < 200) != (np.roll(edge, 1) < 200)).sum() > 10


def test_pictures_are_the_same_each_time(tmp_path, picture) -> None:
    assert png(CELL, scale=1.0) == picture
    write_drawing(CELL, tmp_path / "cell")
    assert (tmp_path / "cell.svg").read_text("utf-8") == svg(CELL)
    assert (tmp_path / "cell.png").read_bytes().startswith(b"\x89PNG")
