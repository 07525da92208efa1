"""Which children of a search are trained longer."""

from __future__ import annotations

from tasks.nas.manifests import SearchLog


def top_children(log: SearchLog, search: str, count: int) -> list[str]:
    """Hashes of the best children of a search, the best first.

    A child counts by the highest rung that it reached, then by its accuracy there: rungs don't
    compare, and who went on was among the best below.
    """
    best: dict[str, tuple[int, float]] = {}
    for trial in log.trials:
        if trial.search == search and trial.accuracy is not None:
            place = trial.rung, trial.accuracy
            best[trial.genotype_hash] = max(best.get(trial.genotype_hash, place), place)
    return sorted(best, key=lambda name: (*(-part for part in best[name]), name))[:count]


def first_children(log: SearchLog, search: str, count: int) -> list[str]:
    """Hashes of the first children of a search, in the order in which they were told."""
    names = (t.genotype_hash for t in log.trials if t.search == search and t.accuracy is not None)
    return list(dict.fromkeys(names))[:count]
