"""Drawings as SVG and PNG, alike to the eye: one table of looks serves both."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.nas.pictures.drawing import Box, Curve, Drawing, Kind

if TYPE_CHECKING:
    from matplotlib.patches import Patch

_FONT, _FONT_PX, _TITLE_FONT_PX = "DejaVu Sans, Verdana, sans-serif", 13.0, 15.0
_SUBSCRIPT = re.compile(r"_(?:\{([^}]*)\}|(\w))")
_MINUS = "\N{MINUS SIGN}"
_CORNER_PX, _LINE_PX = 5.0, 1.6
_PX_PER_INCH = 96.0


@dataclass(frozen=True)
class _Look:
    fill: str
    stroke: str


_LOOKS = {
    Kind.STATE: _Look("#ececf1", "#5d6070"),
    Kind.CONVOLUTION: _Look("#fdeebd", "#b98a12"),
    Kind.POOLING: _Look("#d9e8f7", "#4a7fb0"),
    Kind.IDENTITY: _Look("#ffffff", "#8b8f9a"),
    Kind.ADD: _Look("#d5efd0", "#4d9140"),
    Kind.CONCAT: _Look("#f3d9ee", "#a2488f"),
    Kind.TITLE: _Look("none", "none"),
    Kind.FROM_PREVIOUS: _Look("none", "#3c78b4"),
    Kind.FROM_CURRENT: _Look("none", "#c4622d"),
    Kind.FROM_BLOCK: _Look("none", "#565a66"),
}


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG document."""
    size = f'width="{drawing.width:.0f}" height="{drawing.height:.0f}"'
    view = f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} font-family="{_FONT}" '
        f'font-size="{_FONT_PX:g}" text-anchor="middle">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *(_svg_curve(curve) for curve in drawing.curves),
        *(_svg_box(box) for box in drawing.boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def png(drawing: Drawing, scale: float = 2.0) -> bytes:
    """The drawing as a PNG file.

    Args:
        drawing: What to draw.
        scale: Pixels of the picture per px of the drawing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (drawing.width / _PX_PER_INCH, drawing.height / _PX_PER_INCH)
    figure = Figure(figsize=size, dpi=_PX_PER_INCH * scale, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    axes.axis("off")
    for curve in drawing.curves:
        axes.add_patch(_curve_patch(curve))
    for box in drawing.boxes:
        if box.kind != Kind.TITLE:
            axes.add_patch(_box_patch(box))
        x, y = box.x + box.width / 2, box.y + box.height / 2
        points = _font_px(box) * 72 / _PX_PER_INCH
        axes.text(x, y, _mathtext(box), fontsize=points, ha="center", va="center_baseline")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def write_drawing(drawing: Drawing, path: Path) -> None:
    """Write ``path.svg`` and ``path.png``."""
    path.with_suffix(".svg").write_text(svg(drawing), encoding="utf-8")
    path.with_suffix(".png").write_bytes(png(drawing))


def _svg_curve(curve: Curve) -> str:
    (start, *rest) = (f"{x:.1f} {y:.1f}" for x, y in curve.points)
    stroke = _LOOKS[curve.kind].stroke
    path = f"M {start} C {', '.join(rest)}"
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{_LINE_PX:g}"/>'


def _svg_box(box: Box) -> str:
    look = _LOOKS[box.kind]
    dashes = ' stroke-dasharray="4 3"' if box.kind == Kind.IDENTITY else ""
    rect = (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{_CORNER_PX:g}" fill="{look.fill}" '
        f'stroke="{look.stroke}" stroke-width="1.2"{dashes}/>'
    )
    x, y = box.x + box.width / 2, box.y + box.height / 2 + 0.36 * _font_px(box)
    size = f' font-size="{_font_px(box):g}"' if box.kind == Kind.TITLE else ""
    text = f'<text x="{x:.1f}" y="{y:.1f}"{size}>{_svg_label(box)}</text>'
    return text if box.kind == Kind.TITLE else rect + text


def _svg_label(box: Box) -> str:
    label = escape(box.label, quote=False)
    if box.kind != Kind.STATE:
        return label

    def lowered(found: re.Match[str]) -> str:
        text = (found[1] or found[2]).replace("-", _MINUS)
        return f'<tspan dy="3.5" font-size="75%">{text}</tspan>'

    return _SUBSCRIPT.sub(lowered, label)


def _mathtext(box: Box) -> str:
    """The label; a subscript as matplotlib's mathtext, signs in braces to keep them close."""

    def lowered(found: re.Match[str]) -> str:
        text = re.sub(r"([+-])", r"{\1}", found[1] or found[2])
        return f"$_{{\\mathdefault{{{text}}}}}$"

    plain = box.label.replace("$", r"\$")
    return _SUBSCRIPT.sub(lowered, plain) if box.kind == Kind.STATE else plain


def _font_px(box: Box) -> float:
    return _TITLE_FONT_PX if box.kind == Kind.TITLE else _FONT_PX


def _curve_patch(curve: Curve) -> Patch:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    codes = [Outline.MOVETO, *[Outline.CURVE4] * (len(curve.points) - 1)]
    outline = Outline(list(curve.points), codes)
    points = _LINE_PX * 72 / _PX_PER_INCH
    return PathPatch(outline, fill=False, edgecolor=_LOOKS[curve.kind].stroke, linewidth=points)


def _box_patch(box: Box) -> Patch:
    from matplotlib.patches import FancyBboxPatch

    look = _LOOKS[box.kind]
    return FancyBboxPatch(
        (box.x, box.y),
        box.width,
        box.height,
        boxstyle=f"round,pad=0,rounding_size={_CORNER_PX:g}",
        facecolor=look.fill,
        edgecolor=look.stroke,
        linewidth=1.2 * 72 / _PX_PER_INCH,
        linestyle=(0, (4, 3)) if box.kind == Kind.IDENTITY else "solid",
    )
