"""Whose batch is next where many models share a few compute slots: each gets its share.

A model that has a slot for some seconds advances on a clock of its own by these over its weight,
and the one that is least advanced has the next turn: stride scheduling (Waldspurger and Weihl,
*Stride Scheduling: Deterministic Proportional-Share Resource Management*, 1995), with the time that
a turn took as its cost, which is only known at its end. So a turn is charged what this model's took
before, and the rest when it ends: with several slots a model would else get the next turn as if the
one that is running were free. Who was away comes back at the clock of those who were there, and
saves up nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, Protocol

_NEW: Final = 0.3  # how much the last turn counts in what the next is expected to take
_USUAL_WEIGHT: Final = 1.0


class Holder(Protocol):
    """Who may have a turn, as a queue and its worker."""

    @property
    def model(self) -> str:
        """Whose share it takes part in."""

    def begin(self) -> None:
        """Use the turn that it has now; `Turns.end` gives it back."""


class Turns:
    """Slots, those who have one, and those who wait for one; it has no clock and no lock."""

    def __init__(self, num_slots: int, weights: Mapping[str, float] | None = None) -> None:
        """Begin with all slots free.

        Args:
            num_slots: How many may compute at a time.
            weights: Shares by model; 1 for those that aren't named.
        """
        self._passed: dict[str, float] = {}  # clock of each model
        self._expected_s: dict[str, float] = {}
        self._waiting: dict[Hashable, Holder] = {}
        self._running: dict[Hashable, tuple[Holder, float]] = {}  # and what it was charged
        self._now = 0.0
        self.configure(num_slots, weights or {})

    def configure(self, num_slots: int, weights: Mapping[str, float]) -> None:
        """Share otherwise from the next turn on; who isn't named any more is forgotten."""
        self._num_slots, self._weights = num_slots, dict(weights)
        for known in (self._passed, self._expected_s):
            for model in [each for each in known if each not in weights]:
                del known[model]
        self._grant()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for a slot: who has one then begins nothing new."""
        return bool(self._waiting)

    def want(self, holder: Holder) -> None:
        """Let somebody wait for a turn, unless he does, or has one; it may begin at once."""
        if id(holder) not in self._waiting and id(holder) not in self._running:
            self._wait(holder)
            self._grant()

    def end(self, holder: Holder, taken_s: float, *, wants_more: bool = False) -> None:
        """Take a turn back.

        Args:
            holder: Who had it.
            taken_s: How long the slot was used.
            wants_more: Whether it waits for the next one.
        """
        _, charged_s = self._running.pop(id(holder))
        model = holder.model
        self._advance(model, taken_s - charged_s)
        if taken_s > 0:
            before_s = self._expected_s.get(model, taken_s)
            self._expected_s[model] = before_s + _NEW * (taken_s - before_s)
        if wants_more:
            self._wait(holder)
        self._grant()

    def forget(self, holder: Holder) -> None:
        """Let somebody wait no more; a turn that it has ends by `end`."""
        self._waiting.pop(id(holder), None)

    def _wait(self, holder: Holder) -> None:
        model = holder.model
        is_here = any(each.model == model for each in self._waiting.values())
        if not is_here and not any(each.model == model for each, _ in self._running.values()):
            self._passed[model] = max(self._clock(model), self._now)
        self._waiting[id(holder)] = holder

    def _grant(self) -> None:
        while self._waiting and len(self._running) < self._num_slots:
            holder = min(self._waiting.values(), key=lambda each: self._clock(each.model))
            del self._waiting[id(holder)]
            self._now = max(self._now, self._clock(holder.model))
            charged_s = self._expected_s.get(holder.model, 0.0)
            self._running[id(holder)] = (holder, charged_s)
            self._advance(holder.model, charged_s)
            holder.begin()

    def _advance(self, model: str, taken_s: float) -> None:
        weight = self._weights.get(model, _USUAL_WEIGHT)
        self._passed[model] = self._clock(model) + taken_s / weight

    def _clock(self, model: str) -> float:
        return self._passed.get(model, self._now)
