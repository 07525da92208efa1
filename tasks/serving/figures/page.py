"""What a server counts, by model and version, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tasks.serving.differences import Differences
from tasks.serving.figures.summary import Summary, summary_of
from tasks.serving.figures.times import BOUNDS, TOLD, Times
from tasks.serving.types import Answered, Code, VersionFigures

_BY: Final = ("model", "version")


class _Counted:
    """What is counted of one version."""

    __slots__ = ("dropped", "failed", "shadows", "times")

    def __init__(self) -> None:
        self.times: dict[str, Times] = {}  # by interface
        self.failed: Counter[tuple[str, str]] = Counter()  # by interface and code
        self.shadows: dict[int, Differences] = {}
        self.dropped: Counter[int] = Counter()  # by shadow


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
        self._counted: dict[tuple[str, int | None], _Counted] = {}
        self.num_logged = self.num_unlogged = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def answer(self, model: str, interface: str, answered: Answered, took_s: float) -> None:
        """Count an answer, how long it took, and its parts."""
        times = self._of(model, answered.version).times
        if interface not in times:
            times[interface] = Times()
        row = (took_s, answered.queued_s, answered.computed_s, answered.batch_size)
        times[interface].add(row)

    def fail(self, model: str, version: int | None, interface: str, code: Code) -> None:
        """Count a request that failed; one that no model is known for goes without a name."""
        self._of(model, version).failed[interface, code.name] += 1

    def compare(self, model: str, version: int, shadow: int, found: Differences | None) -> None:
        """Note how a shadow's answer differed; None if it was not asked, as others waited."""
        counted = self._of(model, version)
        if found is None:
            counted.dropped[shadow] += 1
        else:
            counted.shadows[shadow] = counted.shadows.get(shadow, Differences()) + found

    def summary(self, model: str, version: int) -> Summary:
        """What was counted of a version, in a few numbers."""
        found = self._counted.get((model, version))
        return Summary() if found is None else summary_of(found.times.values(), found.failed)

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

    def _of(self, model: str, version: int | None) -> _Counted:
        """Counts of a version; with a new one, those of versions long gone are forgotten."""
        found = self._counted.get((model, version))
        if found is None:
            known = {(each.model, each.version) for each in self._versions()}
            for key in [each for each in self._counted if each[1] is not None]:
                if key not in known:
                    del self._counted[key]
            found = self._counted[model, version] = _Counted()
        return found

    def _keys(self) -> Iterator[tuple[tuple[str, str], _Counted]]:
        for (model, version), counted in self._counted.items():
            yield (model, "" if version is None else str(version)), counted

    def _requests(self) -> Iterator[Metric]:
        by = (*_BY, "interface")
        requests = CounterMetricFamily(
            "orrery_serving_requests", "Requests by how they ended.", labels=(*by, "code")
        )
        families = {
            name: HistogramMetricFamily(f"orrery_serving_{name}", told, labels=by)
            for name, told in TOLD.items()
        }
        for key, counted in self._keys():
            for how, num in counted.failed.items():
                requests.add_metric((*key, *how), num)
            for interface, times in counted.times.items():
                times.sort()
                for name, bounds in BOUNDS.items():
                    sums = times.counts[name].cumsum().tolist()
                    buckets = [*zip([*map(repr, bounds), "+Inf"], sums, strict=True)]
                    families[name].add_metric((*key, interface), buckets, times.totals[name])
                requests.add_metric((*key, interface, "OK"), sums[-1])
        yield requests
        yield from families.values()

    def _compared(self) -> Iterator[Metric]:
        by = (*_BY, "shadow")
        for name in ("compared", "failed", "differing", "disagreeing"):
            told = f"Answers of a shadow: {name}."
            family = CounterMetricFamily(f"orrery_serving_shadow_{name}", told, labels=by)
            for key, counted in self._keys():
                for shadow, found in counted.shadows.items():
                    family.add_metric((*key, str(shadow)), getattr(found, f"num_{name}"))
            yield family
        told = "Not asked, as others waited."
        dropped = CounterMetricFamily("orrery_serving_shadow_dropped", told, labels=by)
        for key, counted in self._keys():
            for shadow, num in counted.dropped.items():
                dropped.add_metric((*key, str(shadow)), num)
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
