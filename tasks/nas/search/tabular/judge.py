"""Runs a strategy on a table of trained cells: what would it have found?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.search.tabular.nasbench201 import Accuracies
from tasks.nas.space.decisions import Decisions


def accuracy_curve(
    searcher: Searcher, cells: Mapping[Decisions, Accuracies], num_evaluations: int
) -> npt.NDArray[np.float64]:
    """Search with the validation accuracy as reward.

    Args:
        searcher: The strategy; it is told each child before it is asked for the next. A child
            that it asks for again counts as an evaluation again.
        cells: The table.
        num_evaluations: Children that it is told.

    Returns:
        After each evaluation, the test accuracy of the cell with the best validation accuracy
        so far, (num_evaluations,), percent.
    """
    curve = np.zeros(num_evaluations)
    best: Accuracies | None = None
    for index in range(num_evaluations):
        child = searcher.ask()
        found = cells[child]
        searcher.tell(child, found.validation)
        if best is None or found.validation > best.validation:
            best = found
        curve[index] = best.test
    return curve
