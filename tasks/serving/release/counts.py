"""What a server has counted of a version, read from its page for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Self

from tasks.core.records import Record
from tasks.serving.types import Code

# Failures that are the version's or the server's, not the client's.
FAULTS: Final = frozenset(
    each.name
    for each in (
        *(Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED),
        *(Code.INTERNAL, Code.UNAVAILABLE, Code.DATA_LOSS),
    )
)
P99: Final = 0.99
_PREFIX: Final = "orrery_serving_"
_LINE: Final = re.compile(rf"{_PREFIX}(\w+)\{{(.*)\}} (\S+)")
_LABEL: Final = re.compile(r'(\w+)="([^"\\]*)"')


class Counts(Record):
    """Counts of one version.

    Attributes:
        num_answered: Answers.
        num_failed: Requests that it or the server failed.
        num_slow: Answers that took longer than a limit.
        num_compared: Answers to questions that a shadow was asked, too.
        num_disagreeing: Of those, how many it disagreed with, or did not give.
    """

    schema_id = "serving.counts/1"

    num_answered: int = 0
    num_failed: int = 0
    num_slow: int = 0
    num_compared: int = 0
    num_disagreeing: int = 0

    @property
    def num(self) -> int:
        """Requests that count."""
        return self.num_answered + self.num_failed

    def __add__(self, other: Counts) -> Counts:
        """Counts of both."""
        mine, more = self.model_dump(), other.model_dump()
        return Counts(**{name: value + more[name] for name, value in mine.items()})

    def since(self, before: Self) -> Counts:
        """What came after an earlier look; all of it if the server began anew meanwhile."""
        mine, old = self.model_dump(), before.model_dump()
        if any(value < old[name] for name, value in mine.items()):
            return self
        return Counts(**{name: value - old[name] for name, value in mine.items()})


class Counted:
    """A page for Prometheus, read."""

    def __init__(self, page: str, model: str) -> None:
        """Read what a page says of a model."""
        self._rows = [each for each in _rows(page) if each[1].get("model") == model]

    def of(self, version: int, limit_s: float, shadow: int | None = None) -> Counts:
        """Counts of a version.

        Args:
            version: Its number.
            limit_s: Slower answers are slow; a bound of the server's histogram, or infinite.
            shadow: The version that is asked beside.
        """
        buckets = self._buckets(version)
        num = int(max(buckets.values(), default=0))
        fast = max((n for bound, n in buckets.items() if bound <= limit_s), default=0)
        pair = {"shadow": str(shadow)}
        compared, other, none = (
            self._sum(f"shadow_{each}_total", version, **pair)
            for each in ("compared", "disagreeing", "failed")
        )
        return Counts(
            num_answered=num,
            num_failed=sum(self._sum("requests_total", version, code=each) for each in FAULTS),
            num_slow=num - int(fast),
            num_compared=compared + none,
            num_disagreeing=other + none,
        )

    def p99_s(self, version: int) -> float:
        """Bound that 99 % of a version's answers stay below; the highest one if none is so."""
        buckets = self._buckets(version)
        total = max(buckets.values(), default=0)
        finite = sorted(bound for bound in buckets if bound < float("inf"))
        fitting = (bound for bound in finite if buckets[bound] >= P99 * total)
        return next(fitting, finite[-1] if finite else 1e9)

    def _buckets(self, version: int) -> dict[float, float]:
        """Answers within each bound, of all interfaces."""
        found: dict[float, float] = {}
        for _, labels, value in self._of("took_seconds_bucket", version):
            bound = float(labels["le"])
            found[bound] = found.get(bound, 0) + value
        return found

    def _sum(self, name: str, version: int, **labels: str) -> int:
        rows = self._of(name, version)
        return int(sum(value for _, has, value in rows if labels.items() <= has.items()))

    def _of(self, name: str, version: int) -> Iterator[tuple[str, dict[str, str], float]]:
        for each in self._rows:
            if each[0] == name and each[1].get("version") == str(version):
                yield each


def _rows(page: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for line in page.splitlines():
        if found := _LINE.fullmatch(line):
            yield found[1], dict(_LABEL.findall(found[2])), float(found[3])
