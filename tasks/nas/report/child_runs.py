"""Promoted children as runs of their own, below the report's run.

Thousands of runs are of no use to anyone: a child gets one only if it went on to a higher rung,
and of those only the best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.nas.manifests import RetrainedCells, Trial
from tasks.nas.report.statistics import hash_of, trained
from tasks.nas.training.groups import RANDOM, TOP

MAX_RUNS: Final = 40


@dataclass(frozen=True)
class ChildRun:
    """A promoted child.

    Attributes:
        name: The first 16 digits of its hash.
        genotype_hash: All of them.
        params: Where it comes from.
        metrics: What it reached at each rung and, if it was, retrained.
    """

    name: str
    genotype_hash: str
    params: dict[str, str | int]
    metrics: dict[str, float]


def promoted_children(retrained: RetrainedCells, limit: int = MAX_RUNS) -> Iterator[ChildRun]:
    """Children that went beyond the first rung, the best at the highest rung first.

    Args:
        retrained: What the searches found.
        limit: How many at most.
    """
    by_hash: dict[str, dict[int, Trial]] = {}
    searches: dict[str, list[str]] = {}
    for trial in retrained.search.trials:
        if trial.accuracy is not None:
            by_hash.setdefault(trial.genotype_hash, {}).setdefault(trial.rung, trial)
            searches.setdefault(trial.genotype_hash, []).append(trial.search)
    again = _retrained_accuracies(retrained)
    going = {name: ends for name, ends in by_hash.items() if max(ends) > 0}
    for name in sorted(going, key=lambda each: (*_place(going[each]), each))[:limit]:
        ends = going[name]
        metrics = {f"accuracy_rung_{rung}": float(t.accuracy or 0.0) for rung, t in ends.items()}
        metrics |= {f"cpu_s_rung_{rung}": trial.cpu_s for rung, trial in ends.items()}
        last = ends[max(ends)]
        metrics |= {"mult_adds": float(last.mult_adds), "num_params": float(last.num_params)}
        if name in again:
            metrics["retrained_test_accuracy"] = again[name]
        owners = ", ".join(dict.fromkeys(searches[name]))
        params: dict[str, str | int] = {"genotype_hash": name, "searches": owners}
        yield ChildRun(name[:16], name, params | {"highest_rung": max(ends)}, metrics)


def _place(ends: dict[int, Trial]) -> tuple[int, float]:
    """Sorts the best first."""
    top = max(ends)
    return -top, -float(ends[top].accuracy or 0.0)


def _retrained_accuracies(retrained: RetrainedCells) -> dict[str, float]:
    """Mean test accuracy after retraining, by hash."""
    found: dict[str, list[float]] = {}
    for group in (TOP, RANDOM):
        for task, network in trained(retrained, group):
            found.setdefault(hash_of(task), []).append(network.test_accuracy)
    return {name: float(np.mean(values)) for name, values in found.items()}
