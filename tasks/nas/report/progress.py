"""How searches went: best so far, the control's band, agreement of rungs, chosen operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.nas.manifests import SearchLog, Trial
from tasks.nas.types import NASNET_OPERATIONS, Genotype, Operation
from tasks.report.estimates import Estimate, spearman

Floats = npt.NDArray[np.float64]

BAND: Final = (0.1, 0.9)  # quantiles
_NUM_ORDERS: Final = 1000  # random orders of the control


@dataclass(frozen=True)
class Progress:
    """The best child of a search so far, after each end at one rung.

    Attributes:
        best: Its accuracy; NaN before the first child that could be trained, (n,).
        cpu_s: CPU seconds of the search's children at this rung so far, (n,).
    """

    best: Floats
    cpu_s: Floats


@dataclass(frozen=True)
class Band:
    """Where the best child of a random search lies.

    Attributes:
        at: Number of children, or CPU seconds, (m,).
        low: 10 % of random searches have no better child than this, (m,).
        median: Half of them, (m,).
        high: 90 % of them, (m,).
    """

    at: Floats
    low: Floats
    median: Floats
    high: Floats


@dataclass(frozen=True)
class Agreement:
    """How a lower rung ranks the children that a higher one trained too.

    Attributes:
        lower: Number of the lower rung.
        higher: Number of the higher one.
        pairs: Accuracy at both, one row for each genotype, (n, 2).
        spearman: Rank correlation.
    """

    lower: int
    higher: int
    pairs: Floats
    spearman: Estimate


def display_name(log: SearchLog, search: str) -> str:
    """Name of a search for readers, who must see which one is the control."""
    is_told = search != log.control or search == "control"
    return search if is_told else f"{search} (control)"


def ends_of(log: SearchLog, search: str, rung: int) -> list[Trial]:
    """Ends of a search at a rung, in order; repeated and failed children included."""
    return [trial for trial in log.trials if trial.search == search and trial.rung == rung]


def accuracies_at(log: SearchLog, rung: int) -> dict[str, float]:
    """Accuracy at a rung by hash, of each child that some search trained there."""
    found: dict[str, float] = {}
    for trial in log.trials:
        if trial.rung == rung and trial.accuracy is not None:
            found.setdefault(trial.genotype_hash, trial.accuracy)
    return found


def best_so_far(log: SearchLog, search: str, rung: int) -> Progress:
    """Follow a search.

    A child that another search had trained before is charged here as if this one had trained
    it; what this search repeats is free. So searches that share results stay comparable.

    Args:
        log: All ends.
        search: Name of the search.
        rung: Rung whose accuracies count.
    """
    prices = _prices(log, rung)
    paid: set[str] = set()
    cpu_s, highest = 0.0, float("nan")
    rows: list[tuple[float, float]] = []
    for trial in ends_of(log, search, rung):
        name = trial.genotype_hash
        cpu_s += 0.0 if name in paid else prices[name]
        paid.add(name)
        highest = float(np.fmax(highest, np.nan if trial.accuracy is None else trial.accuracy))
        rows.append((highest, cpu_s))
    best, times = np.array(rows, float).reshape(-1, 2).T
    return Progress(best, times)


def control_band(log: SearchLog, rung: int, rng: np.random.Generator) -> Band:
    """Band of random search by number of children.

    The control's children are put in random orders: the order in which they came is one draw of
    many. At the last child all orders agree.

    Args:
        log: All ends.
        rung: Rung whose accuracies count.
        rng: Source of the orders.
    """
    rewards = _rewards(ends_of(log, log.control, rung))
    best = np.maximum.accumulate(rewards[_orders(len(rewards), rng)], axis=1)
    return _band(np.arange(1.0, len(rewards) + 1), best)


def control_band_by_time(
    log: SearchLog, rung: int, rng: np.random.Generator, num_times: int = 200
) -> Band:
    """Band of random search by CPU seconds of its children.

    Args:
        log: All ends.
        rung: Rung whose accuracies and costs count.
        rng: Source of the orders.
        num_times: Points of time, evenly from the dearest child's cost to the control's.
    """
    ends = ends_of(log, log.control, rung)
    rewards, prices = _rewards(ends), _prices(log, rung)
    costs = np.array([prices.pop(trial.genotype_hash, 0.0) for trial in ends])
    if not len(costs):
        return _band(np.zeros(0), np.zeros((1, 0)))
    orders = _orders(len(ends), rng)
    best = np.maximum.accumulate(rewards[orders], axis=1)
    times = np.cumsum(costs[orders], axis=1)
    grid = np.linspace(costs.max(), times[0, -1], num_times)
    # Rounding of sums in another order must not make the last child late.
    places = [np.searchsorted(row, grid * (1 + 1e-9), side="right") - 1 for row in times]
    return _band(grid, np.take_along_axis(best, np.array(places), axis=1))


def agreement(log: SearchLog, lower: int, higher: int, rng: np.random.Generator) -> Agreement:
    """Compare two rungs over the genotypes that both trained.

    Where the higher rung trains only what did well at the lower one, the correlation is lower
    than it would be over all children.

    Args:
        log: All ends.
        lower: Number of the lower rung.
        higher: Number of the higher one.
        rng: Source of the bootstrap.
    """
    first, second = accuracies_at(log, lower), accuracies_at(log, higher)
    rows = [(first[name], second[name]) for name in first if name in second]
    pairs = np.array(rows, float).reshape(-1, 2)
    return Agreement(lower, higher, pairs, spearman(pairs, rng))


def operation_shares(
    log: SearchLog, search: str, rung: int, num_windows: int = 12
) -> tuple[Floats, tuple[Operation, ...], Floats]:
    """Shares of operations among the children of a search, over time.

    Args:
        log: All ends.
        search: Name of the search.
        rung: Rung whose ends count: the lowest one sees every child.
        num_windows: Windows of equally many children.

    Returns:
        Middle of each window in children (w,), the operations, and their shares (w, operations).
    """
    ends = ends_of(log, search, rung)
    cells = {name: record.genotype(name) for name, record in log.genotypes.items()}
    counts = np.array([_counts(cells[trial.genotype_hash]) for trial in ends], float)
    windows = [w for w in np.array_split(np.arange(len(ends)), num_windows) if len(w)]
    middles = np.array([window.mean() + 1 for window in windows])
    shares = np.array([counts[window].sum(axis=0) for window in windows])
    shares = shares.reshape(len(windows), len(NASNET_OPERATIONS))
    return middles, NASNET_OPERATIONS, shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)


def _prices(log: SearchLog, rung: int) -> dict[str, float]:
    """CPU seconds of each child at a rung, whoever trained it."""
    found: dict[str, float] = {}
    for trial in log.trials:
        if trial.rung == rung:
            name = trial.genotype_hash
            found[name] = max(found.get(name, 0.0), trial.cpu_s)
    return found


def _rewards(ends: list[Trial]) -> Floats:
    """Accuracies; what could not be trained is worth 0."""
    return np.array([0.0 if trial.accuracy is None else trial.accuracy for trial in ends])


def _orders(num: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Random orders of children, (orders, num)."""
    return rng.permuted(np.tile(np.arange(num), (_NUM_ORDERS, 1)), axis=1)


def _band(at: Floats, best: Floats) -> Band:
    low, median, high = np.quantile(best, (BAND[0], 0.5, BAND[1]), axis=0)
    return Band(at, low, median, high)


def _counts(genotype: Genotype) -> list[int]:
    """How often each operation occurs in both cells."""
    found = [e.operation for _, c in genotype.cells() for block in c.blocks for e in block.edges]
    return [found.count(operation) for operation in NASNET_OPERATIONS]
