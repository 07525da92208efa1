"""What the ingress counts, by model and version, for Prometheus.

An answer costs one entry in a list; histograms are made of many at a time, and the page when
somebody asks for it. They count requests: of the batch that one was in, its size and its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tasks.serving.differences import Differences
from tasks.serving.types import Answered, Code, VersionFigures

_SECONDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0)
_BOUNDS: Final = {
    "took_seconds": _SECONDS,
    "queued_seconds": _SECONDS,
    "computed_seconds": _SECONDS,
    "batch_size": _SIZES,
}
_TOLD: Final = {
    "took_seconds": "From a request's last byte to its answer.",
    "queued_seconds": "Wait for the worker.",
    "computed_seconds": "Work on the batch that a request was in.",
    "batch_size": "Items of the batch that a request was in.",
}
_BY: Final = ("model", "version")
_MAX_ROWS: Final = 4096


class _Times:
    """Times and sizes of one version's answers: noted at once, sorted when there are many."""

    __slots__ = ("_rows", "counts", "totals")

    def __init__(self) -> None:
        self.counts = {name: np.zeros(len(bounds) + 1, int) for name, bounds in _BOUNDS.items()}
        self.totals = dict.fromkeys(_BOUNDS, 0.0)
        self._rows: list[tuple[float, float, float, float]] = []

    def add(self, row: tuple[float, float, float, float]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _MAX_ROWS:
            self.sort()

    def sort(self) -> None:
        columns = np.array(self._rows).reshape(-1, len(_BOUNDS)).T
        for (name, bounds), column in zip(_BOUNDS.items(), columns, strict=True):
            places = np.searchsorted(bounds, column)
            self.counts[name] += np.bincount(places, minlength=len(bounds) + 1)
            self.totals[name] += float(column.sum())
        self._rows.clear()


class Figures:
    """All that is counted.

    Attributes:
        num_logged: Rows of the request log that were written.
        num_unlogged: Rows that were dropped, as of a full disk.
    """

    def __init__(self, versions: Callable[[], Iterable[VersionFigures]]) -> None:
        """Begin at nought.

        Args:
            versions: What versions take and took, asked when the page is made.
        """
        self._versions = versions
        self._failed: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        self._times: defaultdict[tuple[str, int, str], _Times] = defaultdict(_Times)
        self._shadows: defaultdict[tuple[str, str, str], Differences] = defaultdict(Differences)
        self._dropped_shadows: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.num_logged = self.num_unlogged = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def answer(self, model: str, interface: str, answered: Answered, took_s: float) -> None:
        """Count an answer, how long it took, and its parts."""
        row = (took_s, answered.queued_s, answered.computed_s, answered.batch_size)
        self._times[model, answered.version, interface].add(row)

    def fail(self, model: str, version: int | None, interface: str, code: Code) -> None:
        """Count a request that failed; one that no model is known for goes without a name."""
        told = "" if version is None else str(version)
        self._failed[model, told, interface, code.name] += 1

    def compare(self, model: str, version: int, shadow: int, found: Differences | None) -> None:
        """Note how a shadow's answer differed; None if it was not asked, as others waited."""
        if found is None:
            self._dropped_shadows[model, str(shadow)] += 1
        else:
            self._shadows[model, str(version), str(shadow)] += found

    def page(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before it was counted."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """What `page` is made of."""
        yield from self._requests()
        yield from self._compared()
        yield from self._of_versions()
        for name, told, num in (
            ("logged", "Requests that the log keeps.", self.num_logged),
            ("unlogged", "Requests that the log should keep and lost.", self.num_unlogged),
        ):
            yield CounterMetricFamily(f"orrery_serving_{name}", told, value=num)

    def _requests(self) -> Iterator[Metric]:
        by = (*_BY, "interface")
        requests = CounterMetricFamily(
            "orrery_serving_requests", "Requests by how they ended.", labels=(*by, "code")
        )
        families = {
            name: HistogramMetricFamily(f"orrery_serving_{name}", told, labels=by)
            for name, told in _TOLD.items()
        }
        for failed, num in self._failed.items():
            requests.add_metric(failed, num)
        for (model, version, interface), times in self._times.items():
            times.sort()
            key = (model, str(version), interface)
            for name, bounds in _BOUNDS.items():
                sums = times.counts[name].cumsum().tolist()
                buckets = [*zip([*map(repr, bounds), "+Inf"], sums, strict=True)]
                families[name].add_metric(key, buckets, times.totals[name])
            requests.add_metric((*key, "OK"), sums[-1])
        yield requests
        yield from families.values()

    def _compared(self) -> Iterator[Metric]:
        for name in ("compared", "failed", "differing", "disagreeing"):
            family = CounterMetricFamily(
                f"orrery_serving_shadow_{name}",
                f"Answers of a shadow: {name}.",
                labels=(*_BY, "shadow"),
            )
            for key, found in self._shadows.items():
                family.add_metric(key, getattr(found, f"num_{name}"))
            yield family
        dropped = CounterMetricFamily(
            "orrery_serving_shadow_dropped", "Not asked, as others waited.", labels=_BY
        )
        for pair, num in self._dropped_shadows.items():
            dropped.add_metric(pair, num)
        yield dropped

    def _of_versions(self) -> Iterator[Metric]:
        told = [*self._versions()]
        for name, kind, help_ in (
            ("resident_bytes", GaugeMetricFamily, "Memory of the version's process."),
            ("waiting", GaugeMetricFamily, "Requests that wait."),
            ("load_seconds", GaugeMetricFamily, "The last load, until it answered."),
            ("loads", CounterMetricFamily, "Loads."),
            ("failed_loads", CounterMetricFamily, "Loads that failed."),
            ("restarts", CounterMetricFamily, "Processes that were lost and started again."),
        ):
            family = kind(f"orrery_serving_{name}", help_, labels=_BY)
            for each in told:
                family.add_metric((each.model, str(each.version)), _figure(each, name))
            yield family


def _figure(one: VersionFigures, name: str) -> float:
    if name == "load_seconds":
        return one.load_s
    return float(getattr(one, name if name == "resident_bytes" else f"num_{name}"))
