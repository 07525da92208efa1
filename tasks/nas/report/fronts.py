"""How plots tell searches apart, and the front of what searches found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from tasks.report.plots import COLOURS

CONTROL_COLOUR: Final = "#767676"


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
