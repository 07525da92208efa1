"""What all plots share: size, letters, colours, and how they become PNG files.

Figures are 8 inches wide and sized so that their smallest text can be read at 800 px.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Okabe and Ito's colours, which people with colour blindness tell apart.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
GOOD_COLOUR: Final = "#16823c"  # as in sheets
BAD_COLOUR: Final = "#be2828"
GRID_COLOUR: Final = "#e4e4e4"
_WIDTH_IN: Final = 8.0
_DPI: Final = 150
_TITLE, _LABEL, _TICK = 11, 10, 9


def new_figure(
    height_in: float, columns: int = 1, rows: int = 1, widths: Sequence[float] = ()
) -> tuple[Figure, list[Axes]]:
    """Make a figure that no window and no global state knows of.

    Args:
        height_in: Height of the whole figure, inches.
        columns: Panels side by side.
        rows: Panels above each other.
        widths: How wide columns are to each other; empty for equal ones.

    Returns:
        The figure, and its panels row by row.
    """
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, width_ratios=widths or None)
    return figure, [*panels.flat]


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Name a panel and its axes."""
    axes.set_title(title, fontsize=_TITLE, loc="left")
    axes.set_xlabel(x, fontsize=_LABEL)
    axes.set_ylabel(y, fontsize=_LABEL)
    axes.tick_params(labelsize=_TICK)
    axes.grid(color=GRID_COLOUR, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def in_percent(axes: Axes, *names: str) -> None:
    """Show shares as percentages on the axes ``x``, ``y``."""
    for name in names:
        getattr(axes, f"{name}axis").set_major_formatter(PercentFormatter(1.0, symbol=""))


def say(axes: Axes, text: str) -> None:
    """Write a sentence in the middle of an empty panel."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#666666")


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    with io.BytesIO() as file:
        figure.savefig(file, format="png", facecolor="white", metadata={"Software": None})
        return file.getvalue()
