"""What all plots of the report share: size, colours, and how they become PNG files.

Figures are 8 inches wide and sized so that their smallest text can be read at 800 px.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

CONTROL_COLOUR: Final = "#767676"
# Okabe and Ito's colours, which people with colour blindness tell apart.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
GRID_COLOUR: Final = "#e4e4e4"
_WIDTH_IN: Final = 8.0
_DPI: Final = 150
_TITLE, _LABEL, _TICK = 11, 10, 9


def new_figure(height_in: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure that no window and no global state knows of.

    Args:
        height_in: Height of the whole figure, inches.
        columns: Panels side by side.
        rows: Panels above each other.

    Returns:
        The figure, and its panels row by row.
    """
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
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


def draw_front(axes: Axes, points: npt.NDArray[np.float64]) -> None:
    """Draw the Pareto front of points (n, 2), cost and accuracy, up to the dearest."""
    if not len(points):
        return
    front = points[pareto_front(*points.T)]
    end = [[points[:, 0].max(), front[-1, 1]]]
    x, y = np.concatenate([front, end]).T
    axes.step(x, y, "k-", where="post", linewidth=1.2, label="Pareto front")


def search_colours(searches: Sequence[str], control: str) -> dict[str, str]:
    """A colour for each search; grey for the control."""
    others = [name for name in searches if name != control]
    found = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)}
    return found | {control: CONTROL_COLOUR}


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    with io.BytesIO() as file:
        figure.savefig(file, format="png", facecolor="white", metadata={"Software": None})
        return file.getvalue()


def pareto_front(
    costs: npt.NDArray[np.float64], accuracies: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Places of those that none surpasses at its cost or below, cheapest first.

    Args:
        costs: (n,).
        accuracies: (n,).
    """
    order = np.lexsort((-accuracies, costs))
    before = np.concatenate([[-np.inf], np.maximum.accumulate(accuracies[order])[:-1]])
    front: npt.NDArray[np.int64] = order[accuracies[order] > before]
    return front
