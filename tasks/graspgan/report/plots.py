"""Plots: areas over labels, and areas of all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.graspgan.judging.manifests import MethodResult, TargetResult
from tasks.graspgan.judging.opened import TREES
from tasks.graspgan.judging.verdicts import LABELS
from tasks.report.plots import COLOURS, GOOD_COLOUR, label, new_figure, png, say

_MIN_LABELS = 1.0  # where a method without labels stands on a logarithmic axis
_ROW_IN = 0.24
_TREES_COLOUR = "#777777"


def methods_plot(result: TargetResult) -> bytes:
    """Areas of all methods with their 95 % intervals, controls apart from the others."""
    shown = [each for each in result.methods if each.is_control or not each.method.endswith("_raw")]
    figure, (axes,) = new_figure(1.2 + _ROW_IN * len(shown))
    places = np.arange(len(shown))[::-1]
    for place, each in zip(places, shown, strict=True):
        colour = _colour(each)
        low, high = each.area.low or each.area.value, each.area.high or each.area.value
        axes.plot([low, high], [place, place], color=colour, linewidth=2)
        axes.plot([each.area.value], [place], "o", color=colour, markersize=5)
    axes.set_yticks(places, [each.method for each in shown])
    title = "blue: controls; orange: adapted without labels; green: with labels; grey: trees"
    label(axes, title, "area under the ROC curve, held-out objects", "")
    return png(figure)


def labels_plot(result: TargetResult) -> bytes:
    """Areas over the number of labels of the target."""
    figure, (axes,) = new_figure(3.6)
    label(axes, f"{result.target}: what labels give", "labels of the target", "area")
    curves = {name: _curve(result.methods, name) for name in begun(result.methods)}
    for colour, (name, curve) in zip(COLOURS, sorted(curves.items()), strict=False):
        if len(curve) < 2:
            continue
        counts, areas = zip(*curve, strict=True)
        axes.plot(counts, areas, "o-", color=colour, label=name)
    if axes.lines:
        axes.set_xscale("log")
        axes.legend(frameon=False, fontsize=9)
    else:
        say(axes, "no method was trained on a share of the labels")
    return png(figure)


def _colour(result: MethodResult) -> str:
    if result.num_labels:
        return GOOD_COLOUR
    if result.method in TREES:
        return _TREES_COLOUR
    return COLOURS[0] if result.is_control else COLOURS[1]


def begun(methods: Sequence[MethodResult]) -> set[str]:
    """Methods that some share of labels was added to."""
    return {
        each.method.rpartition("_")[0]
        for each in methods
        if each.method.rpartition("_")[2].isdigit()
    }


def _curve(methods: Sequence[MethodResult], name: str) -> list[tuple[float, float]]:
    found = [
        (max(float(each.num_labels), _MIN_LABELS), each.area.value)
        for each in methods
        if each.method in (name, LABELS)
        or (each.method.rpartition("_")[0] == name and each.method.rpartition("_")[2].isdigit())
    ]
    return sorted(found)
