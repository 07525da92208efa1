"""Plots of a transfer: the family's accuracy against its cost, and how detectors came along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from tasks.nas.detection.scoring import RECALLS
from tasks.nas.training.groups import FROM_CIFAR, SCRATCH
from tasks.nas.transfer.config import SIZES
from tasks.nas.transfer.scores import DetectorScore, NetworkScore
from tasks.report.estimates import Estimate
from tasks.report.plots import COLOURS, in_percent, label, new_figure, png, say

_MEGA, _MILLI = 1e6, 1e-3
_TICKS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # in each decade
_MARKERS: Final = ("*", "s", "^", "o")
_GROUPS: Final = {FROM_CIFAR: ("-", "from CIFAR weights"), SCRATCH: ("--", "from scratch")}


def family_plot(scores: Sequence[NetworkScore]) -> bytes:
    """Accuracy against multiply-adds, and against CPU time: the family beside the baselines.

    Args:
        scores: See `tasks.nas.transfer.scores.network_scores`.

    Returns:
        The plot as a PNG file.
    """
    figure, (left, right) = new_figure(4.6, columns=2)
    looks = _looks([each.name for each in scores])
    groups = [group for group in _GROUPS if any(each.group == group for each in scores)]
    for name in looks:
        for group in groups:
            line = [each for each in scores if (each.name, each.group) == (name, group)]
            line.sort(key=lambda each: SIZES.index(each.size))
            costs = [each.any_one.mult_adds / _MEGA for each in line]
            times = [each.mean("image_cpu_s") / _MILLI for each in line]
            title = f"{name}, {_GROUPS[group][1]}"
            _draw_line(left, costs, [s.test for s in line], looks[name], _GROUPS[group][0], title)
            _draw_line(right, times, [s.test for s in line], looks[name], _GROUPS[group][0], title)
    label(
        left, "Accuracy against multiply-adds", "multiply-adds of an image, M", "test accuracy, %"
    )
    label(right, "Accuracy against time", "CPU time of an image, ms", "")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_plain)
        axes.xaxis.set_major_locator(LogLocator(subs=_TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        in_percent(axes, "y")
        if not scores:
            say(axes, "no network was trained")
    if scores:
        _legend_below(figure, left, columns=len(looks))
    return png(figure)


def detection_plot(scores: Sequence[DetectorScore]) -> bytes:
    """AP while detectors are trained, and precision against recall at the end.

    Args:
        scores: See `tasks.nas.transfer.scores.detector_scores`.

    Returns:
        The plot as a PNG file.
    """
    figure, (left, right) = new_figure(4.6, columns=2)
    looks = _looks([each.name for each in scores])
    for each in scores:
        colour, marker = looks[each.name]
        runs = [*each.by_seed.values()]
        steps = [point.step for point in runs[0].curve]
        for figure_name, style in (("ap50", "-"), ("mean_ap", ":")):
            values = np.array([[getattr(p, figure_name) for p in run.curve] for run in runs])
            what = "AP at IoU 0.5" if figure_name == "ap50" else "mAP"
            left.plot(
                steps,
                values.mean(axis=0),
                color=colour,
                linestyle=style,
                marker=marker,
                markersize=5,
                label=f"{each.name}, {what}",
            )
            left.fill_between(
                steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0
            )
        precision = np.mean([run.precision50 for run in runs], axis=0)
        right.plot(RECALLS, precision, color=colour, label=each.name)
    label(left, "Test images, while training", "steps", "average precision, %")
    label(right, "At the end, IoU 0.5", "recall, %", "precision, %")
    in_percent(left, "y")
    in_percent(right, "x", "y")
    left.set_ylim(bottom=0)
    right.set_ylim(0, 1.02)
    right.set_xlim(0, 1)
    if scores:
        _legend_below(figure, left, columns=len(scores))
    for axes in () if scores else (left, right):
        say(axes, "no detector was trained")
    return png(figure)


def _legend_below(figure: Figure, axes: Axes, columns: int) -> None:
    """Say below both panels what the lines of one are."""
    handles, titles = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        titles,
        loc="outside lower center",
        ncols=columns,
        fontsize=8,
        frameon=False,
        handlelength=3.5,
    )


def _draw_line(
    axes: Axes,
    costs: Sequence[float],
    values: Sequence[Estimate],
    look: tuple[str, str],
    style: str,
    title: str,
) -> None:
    """Means over seeds with their standard errors."""
    colour, marker = look
    axes.errorbar(
        costs,
        [each.value for each in values],
        yerr=[each.error or 0.0 for each in values],
        color=colour,
        marker=marker,
        markersize=9 if marker == "*" else 6,
        linestyle=style,
        capsize=3,
        label=title,
    )


def _looks(names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """Colour and marker of each network, in the order in which they come."""
    return {
        name: (COLOURS[place % len(COLOURS)], _MARKERS[place % len(_MARKERS)])
        for place, name in enumerate(dict.fromkeys(names))
    }


def _plain(value: float, _: Any) -> str:
    return f"{value:g}"
