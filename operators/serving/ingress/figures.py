"""What the ingress counts, by model and version, for Prometheus.

Counting is a few additions to plain numbers; the page is made of them when somebody asks for it. A
histogram counts requests: of the batch that a request was in, its size and its time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

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
_BY: Final = ("model", "version")


class _Histogram:
    """Numbers by size."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds, self.total = bounds, 0.0
        self.counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        names = [*map(repr, self.bounds), "+Inf"]
        return [(name, sum(self.counts[: k + 1])) for k, name in enumerate(names)]


class _Times:
    """Histograms of one version."""

    __slots__ = ("batch", "computed", "queued", "took")

    def __init__(self) -> None:
        self.took, self.queued, self.computed = (_Histogram(_SECONDS) for _ in range(3))
        self.batch = _Histogram(_SIZES)


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
        self._requests: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        self._times: defaultdict[tuple[str, str], _Times] = defaultdict(_Times)
        self._shadows: defaultdict[tuple[str, str, str], Differences] = defaultdict(Differences)
        self._dropped_shadows: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.num_logged = self.num_unlogged = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, model: str, version: int | None, interface: str, code: Code) -> None:
        """Count a request by how it ended; one that no model is known for goes without a name."""
        told = "" if version is None else str(version)
        self._requests[model, told, interface, code.name] += 1

    def time(self, model: str, answered: Answered, took_s: float) -> None:
        """Note how long an answer took, and its parts."""
        times = self._times[model, str(answered.version)]
        times.took.add(took_s)
        times.queued.add(answered.queued_s)
        times.computed.add(answered.computed_s)
        times.batch.add(answered.batch_size)

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
        requests = CounterMetricFamily(
            "orrery_serving_requests",
            "Requests by how they ended.",
            labels=(*_BY, "interface", "code"),
        )
        for key, num in self._requests.items():
            requests.add_metric(key, num)
        yield requests
        yield from self._histograms()
        yield from self._compared()
        yield from self._of_versions()
        for name, told, num in (
            ("logged", "Requests that the log keeps.", self.num_logged),
            ("unlogged", "Requests that the log should keep and lost.", self.num_unlogged),
        ):
            yield CounterMetricFamily(f"orrery_serving_{name}", told, value=num)

    def _histograms(self) -> Iterator[Metric]:
        for name, unit, told in (
            ("took", "_seconds", "From a request's last byte to its answer."),
            ("queued", "_seconds", "Wait for the worker."),
            ("computed", "_seconds", "Work on the batch that a request was in."),
            ("batch", "_size", "Items of the batch that a request was in."),
        ):
            family = HistogramMetricFamily(f"orrery_serving_{name}{unit}", told, labels=_BY)
            for key, times in self._times.items():
                one: _Histogram = getattr(times, name)
                family.add_metric(key, buckets=one.buckets(), sum_value=one.total)
            yield family

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
