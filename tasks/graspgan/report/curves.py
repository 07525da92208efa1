"""Curves of the trainings: what was watched on the way, and what each one was chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tasks.graspgan.methods import methods
from tasks.graspgan.trainings.manifests import TrainedGenerator, TrainedPredictor
from tasks.report.page import Table
from tasks.report.plots import COLOURS, label, new_figure, png

_STYLES: Final = ("-", "--", ":")
_LEAST_ROW_IN, _LINE_IN, _AXES_IN = 2.0, 0.17, 0.6
_TEXT: Final = 8
_CHOSEN_BY: Final = "validation_auc"
_GAPS: Final = ("mean_gap", "deviation_gap", "gradient_gap", "feature_gap", "diversity_ratio")
_GENERATOR_PANELS: Final[Sequence[tuple[str, str, Mapping[str, str]]]] = (
    ("discriminators", "losses", {"discriminator_loss": "loss"}),
    ("C's loss", "losses", {"task_loss_raw": "raw crops", "task_loss_adapted": "adapted crops"}),
    ("adapted beside real", "values", {name: name.replace("_", " ") for name in _GAPS}),
)
"""What is shown of generators: title, part of a point, and names there with those for people."""

Curves = Sequence[Sequence[Mapping[str, Any]]]


def predictor_curves(predictors: Sequence[TrainedPredictor]) -> bytes:
    """Loss and validation of C by method: controls, adaptations and those with labels apart.

    Args:
        predictors: Of one target; those that were trained no further have no curve.
    """
    groups: dict[str, dict[str, list[TrainedPredictor]]] = {}
    for each in predictors:
        if each.curve:
            groups.setdefault(_group(each), {}).setdefault(each.method, []).append(each)
    longest = max(map(len, groups.values()))
    height_in = max(_LEAST_ROW_IN, _AXES_IN + _LINE_IN * longest)
    figure, panels = new_figure(height_in * len(groups), 2, len(groups))
    for row, (title, shown) in enumerate(groups.items()):
        losses, areas = panels[2 * row : 2 * row + 2]
        for index, (name, found) in enumerate(shown.items()):
            look: dict[str, Any] = {
                "color": COLOURS[index % len(COLOURS)],
                "linestyle": _STYLES[index // len(COLOURS) % len(_STYLES)],
            }
            curves = [each.curve for each in found]
            _draw(losses, curves, "losses", "loss", look)
            _draw(areas, curves, "values", _CHOSEN_BY, look, name)
            chosen = [_chosen(each) for each in found]
            areas.plot(*zip(*chosen, strict=True), "o", color=look["color"], markersize=4)
        label(losses, f"{title}: loss", "steps", "")
        label(areas, "area on its own validation", "steps", "")
        areas.legend(
            frameon=False, fontsize=_TEXT, loc="center left", bbox_to_anchor=(1, 0.5), borderpad=0
        )
    return png(figure)


def generator_curves(generators: Sequence[TrainedGenerator]) -> bytes:
    """What was watched of the generators of one target, each kind in a row."""
    names = list(dict.fromkeys(each.name for each in generators))
    figure, panels = new_figure(2.6 * len(names), len(_GENERATOR_PANELS), len(names))
    for row, name in enumerate(names):
        curves = [each.curve for each in generators if each.name == name]
        for column, (title, part, shown) in enumerate(_GENERATOR_PANELS):
            axes = panels[row * len(_GENERATOR_PANELS) + column]
            for colour, (key, says) in zip(COLOURS, shown.items(), strict=False):
                _draw(axes, curves, part, key, {"color": colour}, says)
            label(axes, f"{name}: {title}" if column == 0 else title, "steps", "")
            if part == "values":  # gaps of any size beside each other
                axes.set_yscale("log")
            axes.legend(frameon=False, fontsize=_TEXT)
    return png(figure)


def chosen_table(predictors: Sequence[TrainedPredictor]) -> Table:
    """What each method's weights were chosen by, and where in its training they come from."""
    found: dict[str, list[TrainedPredictor]] = {}
    for each in predictors:
        found.setdefault(each.method, []).append(each)
    rows = tuple(
        (
            name,
            "; ".join(trained[0].chosen_by) or "stays as simulation left it",
            ", ".join(f"{_chosen(e)[0]} of {e.curve[-1]['step']}" for e in trained if e.curve),
            f"{np.mean([each.validation_auc for each in trained]):.3f}",
        )
        for name, trained in found.items()
    )
    note = "Chosen by the labels of these worlds and looks, of their validation splits."
    return Table(("method", "chosen by", "step, by seed", "area there"), rows, note)


def _group(predictor: TrainedPredictor) -> str:
    if not predictor.target:
        return "simulation"
    if predictor.num_labels:
        return "with labels"
    is_control = {method.name: method.is_control for method in methods("all")}
    return "controls" if is_control[predictor.method] else "adapted"


def _chosen(predictor: TrainedPredictor) -> tuple[int, float]:
    """Step and area of the point whose weights count: the first of the best."""
    best = max(predictor.curve, key=lambda point: float(point["values"][_CHOSEN_BY]))
    return best["step"], best["values"][_CHOSEN_BY]


def _draw(
    axes: Axes, curves: Curves, part: str, name: str, look: Mapping[str, Any], says: str = ""
) -> None:
    """Draw the mean over seeds, up to where the first of them ended."""
    num = min(map(len, curves))
    steps = [point["step"] for point in curves[0][:num]]
    values = np.mean([[point[part][name] for point in curve[:num]] for curve in curves], axis=0)
    axes.plot(steps, values, marker=".", markersize=3, linewidth=1.5, label=says or None, **look)
