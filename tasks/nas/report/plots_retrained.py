"""Plots of retrained networks: top cells against random ones, and the final comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tasks.nas.manifests import RetrainedCells, TrainTask
from tasks.nas.report.fronts import CONTROL_COLOUR, draw_front, search_colours
from tasks.nas.report.statistics import Score, trained
from tasks.nas.training.groups import FINAL, RANDOM, TOP, WINNER
from tasks.report.plots import (
    COLOURS,
    in_percent,
    label,
    new_figure,
    png,
    say,
)

_MEGA, _MILLI = 1e6, 1e-3
_SPREAD: Final = 0.14  # of points beside the middle of their column
_LEAST_APART: Final = 0.055  # of names, in heights of the points
_FAR: Final = 0.65  # of the axis; a name beyond stands to the left of its mark
_PAPER: Final = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8}
_LEAST_REACH: Final = 0.1  # of the axis of costs to either side, in costs
_MARKERS: Final = {WINNER: "*", "resnet": "s", "mobilenet_v2": "^"}


def top_plot(retrained: RetrainedCells) -> bytes:
    """Test accuracy of the random cells and of each search's top cells, and their means.

    Args:
        retrained: What was retrained.

    Returns:
        The plot as a PNG file.
    """
    log = retrained.search
    columns: dict[str, list[float]] = {}
    for group in (RANDOM, TOP):
        for task, network in trained(retrained, group):
            name = "random cells" if group == RANDOM else task.search
            columns.setdefault(name, []).append(network.test_accuracy)
    colours = search_colours(log.searches, log.control) | {"random cells": CONTROL_COLOUR}
    figure, (axes,) = new_figure(4.0)
    for place, (name, values) in enumerate(columns.items()):
        shifts = np.linspace(-_SPREAD, _SPREAD, len(values)) if len(values) > 1 else [0.0]
        colour = colours.get(name, COLOURS[-1])
        axes.scatter(place + np.asarray(shifts), values, 26, colour, alpha=0.7, linewidths=0)
        axes.hlines(np.mean(values), place - 0.3, place + 0.3, colour, linewidth=2)
    if not columns:
        say(axes, "no cell was retrained")
    axes.set_xticks(range(len(columns)), [f"{n} ({len(v)})" for n, v in columns.items()])
    label(axes, "Retrained: random cells, and the top of each search", "", "test accuracy, %")
    in_percent(axes, "y")
    return png(figure)


def final_plot(scores: Mapping[str, Score]) -> bytes:
    """The final comparison: each seed, the mean and its interval.

    Args:
        scores: See `tasks.nas.report.statistics.final_scores`.

    Returns:
        The plot as a PNG file.
    """
    figure, (axes,) = new_figure(1.2 + 0.55 * max(len(scores), 2))
    for place, score in enumerate(scores.values()):
        _draw_seeds(axes, place, score)
    axes.set_yticks(range(len(scores)), [*scores])
    axes.set_ylim(max(len(scores), 1) - 0.5, -0.5)
    label(axes, "Same recipe, equal multiply-adds", "test accuracy, %", "")
    in_percent(axes, "x")
    if not scores:
        say(axes, "nothing was trained")
    return png(figure)


def sizes_plot(retrained: RetrainedCells, scores: Mapping[str, Score]) -> bytes:
    """Test accuracy of the final networks against multiply-adds and against CPU time.

    Top and random cells are shown too where they were trained alike: on the same images, by the
    same recipe.

    Args:
        retrained: What was retrained.
        scores: Those of the final comparison, marked one by one.

    Returns:
        The plot as a PNG file.
    """
    figure, (left, right) = new_figure(4.6, 2)
    _draw_costs(left, retrained, scores, "mult_adds", _MEGA)
    _draw_costs(right, retrained, scores, "image_cpu_s", _MILLI)
    label(left, "", "multiply-adds of one image, millions", "test accuracy, %")
    label(right, "", "CPU time for one image, ms", "test accuracy, %")
    handles, names = left.get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, fontsize=9, frameon=False, loc="outside upper left", ncols=3)
    return png(figure)


def _draw_seeds(axes: Axes, place: int, score: Score) -> None:
    colour = COLOURS[1] if score.name == WINNER else COLOURS[0]
    values = [*score.values("test_accuracy").values()]
    axes.scatter(values, [place + 0.16] * len(values), 20, colour, alpha=0.6, linewidths=0)
    found = score.accuracy
    if found.low is not None and found.high is not None:
        axes.hlines(place - 0.1, found.low, found.high, colour, linewidth=1.6)
    axes.plot(found.value, place - 0.1, "D", color=colour, markersize=6)


def _draw_costs(
    axes: Axes, retrained: RetrainedCells, scores: Mapping[str, Score], cost: str, unit: float
) -> None:
    points: list[tuple[float, float]] = []
    alike = [_training(task) for task, _ in trained(retrained, FINAL)]
    for group, name, colour in (
        (RANDOM, "random cells", CONTROL_COLOUR),
        (TOP, "top cells of the searches", COLOURS[0]),
    ):
        rows = [
            (getattr(network, cost) / unit, network.test_accuracy)
            for task, network in trained(retrained, group)
            if _training(task) in alike
        ]
        points += rows
        if rows:
            x, y = np.array(rows).T
            axes.scatter(x, y, 20, colour, alpha=0.55, linewidths=0, label=name)
    marks = {n: (s.mean(cost) / unit, s.accuracy.value) for n, s in scores.items()}
    both = np.array([*points, *marks.values()], float).reshape(-1, 2)
    draw_front(axes, both)
    in_percent(axes, "y")
    axes.margins(x=0.08, y=0.1)
    _widen(axes)
    if len(both):
        _mark(axes, marks, _LEAST_APART * float(np.ptp(both[:, 1])))


def _training(task: TrainTask) -> tuple[int, int, dict[str, Any]]:
    """What decides, with its design, how well a network does."""
    return task.image_px, task.num_images, task.recipe


def _mark(axes: Axes, marks: Mapping[str, tuple[float, float]], apart: float) -> None:
    """Mark networks; names are moved upwards where they would cover one another."""
    below = -np.inf
    left, right = axes.get_xlim()
    for name, (x, y) in sorted(marks.items(), key=lambda each: each[1][1]):
        is_winner = name == WINNER
        colour = COLOURS[1] if is_winner else "#222222"
        size = 14 if is_winner else 8
        axes.plot(x, y, _MARKERS.get(name, "o"), color=colour, markersize=size, zorder=4)
        below = max(y, below + apart)
        is_far = x > left + _FAR * (right - left)
        side, align = (-6, "right") if is_far else (6, "left")
        style: Any = {"fontsize": 9, "color": colour, "ha": align, "va": "center", "bbox": _PAPER}
        axes.annotate(name, (x, below), (side, 9), textcoords="offset points", **style)


def _widen(axes: Axes) -> None:
    """Show equal costs as equal: the axis spans a fifth of the cost at least."""
    low, high = axes.get_xlim()
    middle = (low + high) / 2
    reach = max(high - middle, _LEAST_REACH * middle)
    axes.set_xlim(middle - reach, middle + reach)
