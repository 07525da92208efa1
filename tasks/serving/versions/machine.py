"""Brings the versions that are loaded to those that should be, without a gap in between.

After TensorFlow Serving's manager of aspired versions (Olston et al., "TensorFlow-Serving:
Flexible, High-Performance ML Serving", 2017, section 2.1): an availability-preserving transition
loads the new before it unloads the old, a resource-preserving one the other way round. Here an old
version may also stay loaded (`keep_previous`), so that going back to it loads nothing, and a load
that failed is tried again, each time after twice the wait, while the old version serves on.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from tasks.serving.types import Code, State, VersionStatus

_MAX_ENDED = 20  # ended versions that are still told of


@dataclass(frozen=True, slots=True)
class Load:
    """Load a version; tell the machine by `loaded` or `failed`."""

    version: int


@dataclass(frozen=True, slots=True)
class Unload:
    """Let a version answer what it was asked, then end it; tell the machine by `unloaded`."""

    version: int


@dataclass(slots=True)
class _Known:
    status: VersionStatus
    num_loads: int = 0
    num_failed: int = 0
    failures: int = 0  # since the last load
    due_s: float = -math.inf
    retired: int = 0  # when it was last asked for, in calls of `aspire`


class Machine:
    """Versions of one model. Whoever does what `step` says tells it how that went."""

    def __init__(
        self,
        transition: Literal["availability", "resource"] = "availability",
        keep_previous: int = 0,
        retry_s: float = 1.0,
        max_retry_s: float = 300.0,
    ) -> None:
        """Begin with no version.

        Args:
            transition: Load the new first, or unload the old first.
            keep_previous: Versions that stay loaded after others took their place; none in a
                resource-preserving transition, which needs their room.
            retry_s: Wait after the first failed load.
            max_retry_s: Longest wait.
        """
        self.configure(transition, keep_previous, retry_s, max_retry_s)
        self.aspired: frozenset[int] = frozenset()
        self._known: dict[int, _Known] = {}
        self._calls = 0

    def configure(
        self,
        transition: Literal["availability", "resource"],
        keep_previous: int,
        retry_s: float,
        max_retry_s: float,
    ) -> None:
        """Take other settings; what is loaded stays until `step` says otherwise."""
        self._loads_first = transition == "availability"
        self._num_kept = keep_previous if self._loads_first else 0
        self._retry_s, self._max_retry_s = retry_s, max_retry_s

    def aspire(self, versions: Collection[int]) -> None:
        """Say which versions should be served."""
        self._calls += 1
        for version in self.aspired:
            self._known[version].retired = self._calls
        self.aspired = frozenset(versions)
        for version in self.aspired:
            if version not in self._known:
                self._known[version] = _Known(VersionStatus(version, State.START))

    def step(self, now_s: float) -> list[Load | Unload]:
        """What to do now, noted as begun; empty if nothing."""
        leaving = self._surplus()
        actions: list[Load | Unload] = [Unload(each) for each in leaving]
        for version in leaving:
            self._set(version, State.UNLOADING)
        busy = any(self._is(each, State.UNLOADING) for each in self._known)
        for version in sorted(self.aspired) if self._loads_first or not busy else ():
            known = self._known[version]
            if known.status.state in (State.START, State.END) and known.due_s <= now_s:
                self._set(version, State.LOADING)
                actions.append(Load(version))
        self._forget()
        return actions

    def due_s(self) -> float:
        """When a failed load is to be tried again; infinite if none is."""
        waits = (self._known[v].due_s for v in self.aspired if self._is(v, State.END))
        return min(waits, default=math.inf)

    def loaded(self, version: int) -> None:
        """A version answers from now on."""
        self._set(version, State.AVAILABLE)
        self._known[version].num_loads += 1
        self._known[version].failures = 0

    def failed(self, version: int, code: Code, message: str, now_s: float) -> None:
        """A version could not be loaded, or its worker can't be kept alive."""
        known = self._known[version]
        known.status = VersionStatus(version, State.END, code, message)
        known.num_failed += 1
        known.failures += 1
        wait_s = self._retry_s * 2.0 ** min(known.failures - 1, 60)
        known.due_s = now_s + min(wait_s, self._max_retry_s)

    def unloaded(self, version: int) -> None:
        """A version has ended as it was told to."""
        self._set(version, State.END)
        self._known[version].due_s = -math.inf

    def status(self) -> tuple[VersionStatus, ...]:
        """How each version stands, the greatest first."""
        return tuple(self._known[each].status for each in sorted(self._known, reverse=True))

    def loads(self) -> dict[int, tuple[int, int]]:
        """How often each version was loaded, and how often it failed."""
        return {k: (each.num_loads, each.num_failed) for k, each in self._known.items()}

    def available(self) -> frozenset[int]:
        """Versions that answer."""
        return frozenset(each for each in self._known if self._is(each, State.AVAILABLE))

    def greatest(self) -> int | None:
        """The version that answers those who name none: the greatest that should, if any does."""
        available = self.available()
        return max(available & self.aspired or available, default=None)

    def _surplus(self) -> list[int]:
        """Versions to unload: all that aren't asked for, but those that are kept."""
        available = self.available()
        old = sorted(available - self.aspired, key=lambda each: self._known[each].retired)
        if self._loads_first and self.aspired and not available & self.aspired:
            return []  # else nobody would answer
        num = len(old) - (self._num_kept if self.aspired else 0)
        return old[: max(0, num)]

    def _forget(self) -> None:
        ended = [v for v in self._known if v not in self.aspired and not self._is_alive(v)]
        for version in sorted(ended)[: max(0, len(ended) - _MAX_ENDED)]:
            del self._known[version]

    def _is_alive(self, version: int) -> bool:
        return self._known[version].status.state in (
            *(State.LOADING, State.AVAILABLE),
            State.UNLOADING,
        )

    def _is(self, version: int, state: State) -> bool:
        return self._known[version].status.state == state

    def _set(self, version: int, state: State) -> None:
        self._known[version].status = VersionStatus(version, state)
