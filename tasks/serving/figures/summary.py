"""What was counted of one version, in a few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.serving.figures.times import BOUNDS, Times


@dataclass(frozen=True)
class Summary:
    """Counts of a version, and times of its answers; those of none are NaN.

    Attributes:
        num_answered: Answers.
        num_failed: Requests that failed, for whatever reason.
        p50_s: Half of the answers took no longer.
        p99_s: All but a hundredth took no longer.
        batch_size: Items of the batch that a request was in, in the mean.
        took_s: How long all answers took together.
        queued_s: How long they waited, together.
        computed_s: How long the batches took that they were in, together.
    """

    num_answered: int = 0
    num_failed: int = 0
    p50_s: float = np.nan
    p99_s: float = np.nan
    batch_size: float = np.nan
    took_s: float = 0.0
    queued_s: float = 0.0
    computed_s: float = 0.0


def summary_of(times: Iterable[Times], failed: Counter[tuple[str, str]]) -> Summary:
    """Sum up what was counted, over all interfaces.

    Args:
        times: Times by interface; they are sorted here.
        failed: Failures by interface and code.
    """
    counts = {name: np.zeros(len(bounds) + 1, int) for name, bounds in BOUNDS.items()}
    totals = Counter[str]()
    for each in times:
        each.sort()
        totals.update(each.totals)
        for name in counts:
            counts[name] += each.counts[name]
    num, took = int(counts["took_seconds"].sum()), counts["took_seconds"]
    if not num:
        return Summary(num_failed=sum(failed.values()))
    return Summary(
        num_answered=num,
        num_failed=sum(failed.values()),
        p50_s=_quantile(took, 0.5),
        p99_s=_quantile(took, 0.99),
        batch_size=totals["batch_size"] / num,
        took_s=totals["took_seconds"],
        queued_s=totals["queued_seconds"],
        computed_s=totals["computed_seconds"],
    )


def _quantile(counts: npt.NDArray[np.int_], share: float) -> float:
    """A quantile: even within a bucket, and the last bound above it."""
    bounds = BOUNDS["took_seconds"]
    wanted, sums = share * counts.sum(), counts.cumsum()
    place = int(np.searchsorted(sums, wanted))
    if place >= len(bounds):
        return float(bounds[-1])
    low = bounds[place - 1] if place else 0.0
    before = sums[place - 1] if place else 0
    part = (wanted - before) / counts[place]
    return float(low + part * (bounds[place] - low))
