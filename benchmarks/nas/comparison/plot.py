"""Scores of the comparison at each meaning of equal cost, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from benchmarks.nas.comparison.settings import CELLS, HAND_MADE, RESNETS
from benchmarks.results_file import Figure
from tasks.report.plots import COLOURS, label, new_figure, png

_SHOWN: Final = {
    HAND_MADE: ("ResNet", COLOURS[6], "d"),
    CELLS: ("NASNet-A", COLOURS[0], "o"),
    "mobilenet_v2": ("MobileNetV2", COLOURS[2], "^"),
    "amoebanet_a": ("AmoebaNet-A", COLOURS[3], "s"),
}
_KINDS: Final = (
    ("acc", "classifier", "accuracy, %"),
    ("map", "detector", "mean average precision, %"),
)
_COSTS: Final = {"step_cpu_s": ("a step of training, CPU ms", 1e3), "image_ms": ("an image, ms", 1)}


def comparison_plot(figures: Mapping[str, Figure]) -> bytes:
    """Draw scores, with intervals, of networks of equal multiply-adds, then against other costs.

    ResNets of several widths are joined by lines.

    Args:
        figures: Those of `benchmarks.nas.comparison.figures`, of classifiers and detectors.

    Returns:
        A PNG file.
    """
    figure, panels = new_figure(6.4, columns=1 + len(_COSTS), rows=len(_KINDS))
    axes = iter(panels)
    for score, kind, unit in _KINDS:
        panel = next(axes)
        shown = [name for name in _SHOWN if f"compared_{score}_{name}" in figures]
        for place, name in enumerate(shown):
            _draw(panel, [place], [figures[f"compared_{score}_{name}"]], name)
        panel.set_xticks(range(len(shown)), [_SHOWN[name][0] for name in shown], rotation=20)
        panel.margins(x=0.2)
        label(panel, f"{kind}s", "at equal multiply-adds", unit)
        for cost, (says, factor) in _COSTS.items():
            panel = next(axes)
            for name in shown:
                names = [*RESNETS] if name == HAND_MADE else [name]
                costs = [factor * figures[f"{kind}_{cost}_{each}"].value for each in names]
                _draw(panel, costs, [figures[f"compared_{score}_{each}"] for each in names], name)
            _few_ticks(panel)
            label(panel, "", says, "")
    return png(figure)


def _draw(axes: Axes, costs: Sequence[float], scores: Sequence[Figure], name: str) -> None:
    _, colour, marker = _SHOWN[name]
    values = [each.value for each in scores]
    ends = [each.interval or (each.value, each.value) for each in scores]
    errors = [
        [value - low for value, (low, _) in zip(values, ends, strict=True)],
        [high - value for value, (_, high) in zip(values, ends, strict=True)],
    ]
    axes.errorbar(
        costs, values, errors, color=colour, marker=marker, markersize=5, linestyle="--",
        linewidth=1, capsize=2,
    )  # fmt: skip


def _few_ticks(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7), numticks=20))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
