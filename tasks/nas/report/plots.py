"""Plots of a search: best so far, accuracy against cost, agreement of rungs, operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tasks.nas.manifests import SearchLog
from tasks.nas.pictures.cell_drawing import LABELS
from tasks.nas.report.fronts import CONTROL_COLOUR, draw_front, search_colours
from tasks.nas.report.progress import (
    Agreement,
    Band,
    best_so_far,
    control_band,
    control_band_by_time,
    display_name,
    ends_of,
    operation_shares,
)
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.published import PUBLISHED
from tasks.nas.types import Operation
from tasks.report.estimates import Estimate
from tasks.report.plots import (
    in_percent,
    label,
    new_figure,
    png,
    say,
)

_MEGA: Final = 1e6
_HOUR_S: Final = 3600
_MAX_COLUMNS: Final = 2
# Kinds of operations share a hue, so that a stack of 13 can be read.
_OPERATION_COLOURS: Final = {
    Operation.SEP_CONV_3X3: "#08519c",
    Operation.SEP_CONV_5X5: "#3182bd",
    Operation.SEP_CONV_7X7: "#9ecae1",
    Operation.CONV_1X1: "#7f2704",
    Operation.CONV_3X3: "#d94801",
    Operation.CONV_1X3_3X1: "#fd8d3c",
    Operation.CONV_1X7_7X1: "#fdbe85",
    Operation.DILATED_CONV_3X3: "#fee6ce",
    Operation.MAX_POOL_3X3: "#00441b",
    Operation.MAX_POOL_5X5: "#238b45",
    Operation.MAX_POOL_7X7: "#74c476",
    Operation.AVG_POOL_3X3: "#c7e9c0",
    Operation.IDENTITY: "#bdbdbd",
}


def progress_plot(log: SearchLog, rung: int, rng: np.random.Generator) -> bytes:
    """Best child so far of each search against the random control, by number of children.

    Args:
        log: All ends.
        rung: Rung whose accuracies count.
        rng: Source of the control's orders.

    Returns:
        The plot as a PNG file.
    """
    figure, (axes,) = new_figure(4.2)
    _draw_band(axes, control_band(log, rung, rng), 1.0)
    for search, colour in _rivals(log).items():
        best = best_so_far(log, search, rung).best
        axes.step(np.arange(1, len(best) + 1), best, color=colour, where="post", label=search)
    label(axes, "Best child so far", "children", f"validation accuracy at rung {rung}, %")
    _finish_progress(axes)
    return png(figure)


def progress_by_time_plot(log: SearchLog, rung: int, rng: np.random.Generator) -> bytes:
    """The same by CPU time; what one search got from another is charged to it.

    Args:
        log: All ends.
        rung: Rung whose accuracies count.
        rng: Source of the control's orders.

    Returns:
        The plot as a PNG file.
    """
    figure, (axes,) = new_figure(4.2)
    _draw_band(axes, control_band_by_time(log, rung, rng), _HOUR_S)
    for search, colour in _rivals(log).items():
        found = best_so_far(log, search, rung)
        hours = found.cpu_s / _HOUR_S
        axes.step(hours, found.best, color=colour, where="post", label=search)
    y = f"validation accuracy at rung {rung}, %"
    label(axes, "Best child so far", f"CPU hours of the search's children at rung {rung}", y)
    _finish_progress(axes)
    return png(figure)


def cost_plot(log: SearchLog, rung: int) -> bytes:
    """Accuracy of all children against their multiply-adds, with the Pareto front.

    Args:
        log: All ends.
        rung: Rung whose accuracies count.

    Returns:
        The plot as a PNG file.
    """
    figure, (axes,) = new_figure(4.6)
    rows = {
        trial.genotype_hash: (trial.mult_adds / _MEGA, trial.accuracy)
        for trial in log.trials
        if trial.rung == rung and trial.accuracy is not None
    }
    for search, colour in search_colours(log.searches, log.control).items():
        own = [rows[t.genotype_hash] for t in ends_of(log, search, rung) if t.genotype_hash in rows]
        x, y = np.array(own, float).reshape(-1, 2).T
        axes.scatter(x, y, 14, colour, alpha=0.55, linewidths=0, label=search)
    points = np.array([*rows.values()], float).reshape(-1, 2)
    draw_front(axes, points)
    _mark_published(axes, rows)
    label(
        axes,
        "Accuracy against cost",
        f"multiply-adds of one image at rung {rung}, millions",
        f"validation accuracy at rung {rung}, %",
    )
    in_percent(axes, "y")
    figure.legend(fontsize=9, frameon=False, loc="outside right upper")
    return png(figure)


def agreement_plot(found: Sequence[Agreement], retrained: Agreement | None = None) -> bytes:
    """How rungs rank the same children.

    Args:
        found: Pairs of rungs.
        retrained: Agreement of a rung with the test accuracy of retrained random cells, its
            ``higher`` meaningless; None where there is none.

    Returns:
        The plot as a PNG file.
    """
    panels = [(each, f"rung {each.higher}") for each in found]
    if retrained is not None:
        panels.append((retrained, "retrained, test"))
    columns = max(1, len(panels))
    figure, grid = new_figure(3.6 if columns > 1 else 4.6, columns)
    if not panels:
        label(grid[0], "Agreement between rungs", "", "")
        say(grid[0], "no child was trained at two rungs")
    for axes, (each, name) in zip(grid, panels, strict=False):
        x, y = each.pairs.T
        axes.scatter(x, y, 18, "#0072b2", alpha=0.65, linewidths=0)
        title = _correlation(each.spearman)
        label(axes, title, f"accuracy at rung {each.lower}, %", f"accuracy, {name}, %")
        in_percent(axes, "x", "y")
        if not len(each.pairs):
            say(axes, "no child was trained at both")
    return png(figure)


def operations_plot(log: SearchLog, rung: int) -> bytes:
    """Shares of operations among the children of each search, over time.

    Args:
        log: All ends.
        rung: Rung whose ends count: the lowest one sees every child.

    Returns:
        The plot as a PNG file.
    """
    columns = min(_MAX_COLUMNS, len(log.searches))
    rows = -(-len(log.searches) // columns)
    figure, grid = new_figure(1.2 + 2.4 * rows, columns, rows)
    for axes in grid[len(log.searches) :]:
        axes.set_visible(False)
    for axes, search in zip(grid, log.searches, strict=False):
        middles, operations, shares = operation_shares(log, search, rung)
        by_name = dict(zip(operations, shares.T, strict=True))
        stack = [by_name[operation] for operation in _OPERATION_COLOURS]
        label(axes, display_name(log, search), "children", "share of operations, %")
        if len(middles) <= 1:
            say(axes, "too few children")
            continue
        names = [LABELS[operation] for operation in _OPERATION_COLOURS]
        axes.stackplot(middles, stack, colors=[*_OPERATION_COLOURS.values()], labels=names)
        axes.set_xlim(middles[0], middles[-1])
        axes.set_ylim(0, 1)
        in_percent(axes, "y")
    handles, names = grid[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles[::-1], names[::-1], loc="outside right center", fontsize=9)
    return png(figure)


def _rivals(log: SearchLog) -> dict[str, str]:
    """Searches other than the control, with their colours."""
    colours = search_colours(log.searches, log.control)
    return {name: colour for name, colour in colours.items() if name != log.control}


def _draw_band(axes: Axes, band: Band, unit: float) -> None:
    x = band.at / unit
    style: Any = {"color": CONTROL_COLOUR}
    name = "random control, 10-90 %"
    axes.fill_between(
        x, band.low, band.high, alpha=0.22, linewidth=0, step="post", label=name, **style
    )
    axes.step(x, band.median, "--", where="post", label="random control, median", **style)


def _finish_progress(axes: Axes) -> None:
    """Leave out the first children, from which the curves have to climb."""
    in_percent(axes, "y")
    curves = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    known = [y for y in curves if np.isfinite(y).any()]
    if known:
        low = min(float(np.nanmin(y[len(y) // 20 :])) for y in known)
        high = max(float(np.nanmax(y)) for y in known)
        margin = 0.08 * (high - low) + 1e-3
        axes.set_ylim(low - margin, high + margin)
    axes.legend(fontsize=9, frameon=False, loc="lower right")


def _mark_published(axes: Axes, rows: Mapping[str, tuple[float, float]]) -> None:
    for name, genotype in PUBLISHED.items():
        place = rows.get(genotype_hash(genotype))
        if place is not None:
            axes.plot(*place, "*", color="#b3261e", markersize=13, zorder=5)
            axes.annotate(name, place, (7, 5), textcoords="offset points", fontsize=9)


def _correlation(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"Spearman: too few ({found.num})"
    interval = f"({found.low:.2f} to {found.high:.2f})"
    return f"Spearman {found.value:.2f}\n{interval}, n = {found.num}"
