"""A canary: the candidate's share grows by steps, until all are done or a guard takes it back.

Three things are guarded: failures, answers slower than the other version's p99, and answers that
disagree with it, where it is asked beside. Each begins anew with each step, so that what goes wrong
under more load is not outweighed by what went well before, and has an equal part of `alpha`: all of
them together take back a candidate which is no worse than allowed with a chance of at most `alpha`,
whatever the number of looks (`tasks.serving.release.sequential`).

The state is a plain record: whoever goes on with it after a crash decides as if nothing happened.
"""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field

from tasks.core.records import Record
from tasks.serving.release.config import CanaryConfig
from tasks.serving.release.counts import Counts
from tasks.serving.release.sequential import Evidence

FAILED, SLOW, DISAGREEING = "failed", "slow", "disagreeing"
GUARDS: Final = (FAILED, SLOW, DISAGREEING)
_MAX_POINTS: Final = 120


class Point(Record):
    """A look at the counts.

    Attributes:
        num: Answers of the candidate by then.
        share: Its share then, per mille.
        evidence: What each guard has against it, as `GUARDS` has them.
    """

    schema_id = "serving.point/1"

    num: int
    share: int
    evidence: tuple[float, ...]


class Canary(Record):
    """How far a canary is.

    Attributes:
        convicts_at: Evidence that takes it back.
        limit_s: The other version's p99 when it began: slower answers are slow.
        step: Which step it is in; the number of steps once all are done.
        watched_s: How long it was watched in this step, whatever the machine's clock said.
        num_in_step: The candidate's answers in this step.
        seen: What the server had counted at the last look, of the candidate and the other.
        total: What was counted since the canary began, of both.
        logs: Evidence against the candidate in this step, by guard.
        highest: The highest that there was, by guard.
        points: Looks, thinned out.
        reason: Why it is taken back; empty if it isn't.
    """

    schema_id = "serving.canary/1"

    convicts_at: float
    limit_s: float
    step: int = 0
    watched_s: float = 0.0
    num_in_step: int = 0
    seen: tuple[Counts, Counts]
    total: tuple[Counts, Counts] = (Counts(), Counts())
    logs: dict[str, tuple[float, ...]] = Field(
        default_factory=lambda: dict.fromkeys(GUARDS, Evidence().logs)
    )
    highest: dict[str, float] = Field(default_factory=lambda: dict.fromkeys(GUARDS, 1.0))
    points: tuple[Point, ...] = ()
    reason: str = ""

    @classmethod
    def begin(cls, limit_s: float, seen: tuple[Counts, Counts], config: CanaryConfig) -> Self:
        """Begin, with what was counted by now of the candidate and the other."""
        convicts_at = len(GUARDS) * len(config.steps) / config.alpha
        return cls(convicts_at=convicts_at, limit_s=limit_s, seen=seen)

    def evidence(self, guard: str) -> float:
        """What a guard has against the candidate in this step; 1 is nothing."""
        return Evidence(self.logs[guard]).value

    def share(self, config: CanaryConfig) -> int:
        """What the candidate gets now, per mille; nothing once it is taken back."""
        return 0 if self.reason else config.steps[min(self.step, len(config.steps) - 1)]

    def is_over(self, config: CanaryConfig) -> bool:
        """Whether there is nothing to wait for any more."""
        return bool(self.reason) or self.step >= len(config.steps)

    def look(self, seen: tuple[Counts, Counts], passed_s: float, config: CanaryConfig) -> Self:
        """What it is after a look.

        Args:
            seen: What the server has counted of the candidate and the other.
            passed_s: How long ago the last look was.
            config: The steps and the limits.
        """
        mine, other = (new.since(old) for new, old in zip(seen, self.seen, strict=True))
        logs = {name: each.logs for name, each in self._judged(mine, other, config).items()}
        num_in_step = self.num_in_step + mine.num
        found = self.model_copy(
            update={
                "seen": seen,
                "total": (self.total[0] + mine, self.total[1] + other),
                "logs": logs,
                "num_in_step": num_in_step,
                "watched_s": self.watched_s + passed_s,
            }
        )
        ends = num_in_step >= config.min_answers
        reason = found._reason(config) or ("" if ends else found._late(config))
        highest = {name: max(self.highest[name], found.evidence(name)) for name in GUARDS}
        update: dict[str, object] = {"reason": reason, "points": found._points(config)}
        update["highest"] = highest
        if ends and not reason:
            update |= {"step": self.step + 1, "num_in_step": 0, "watched_s": 0.0}
            update["logs"] = dict.fromkeys(GUARDS, Evidence().logs)
        return found.model_copy(update=update)

    def _judged(self, mine: Counts, other: Counts, config: CanaryConfig) -> dict[str, Evidence]:
        known = {name: Evidence(logs) for name, logs in self.logs.items()}
        both = (other.num, config.max_failed_ratio)
        answered = (other.num_answered, config.max_slow_ratio)
        return {
            FAILED: known[FAILED].against(mine.num_failed, mine.num, other.num_failed, *both),
            SLOW: known[SLOW].against(mine.num_slow, mine.num_answered, other.num_slow, *answered),
            DISAGREEING: known[DISAGREEING].above(
                other.num_disagreeing, other.num_compared, config.max_disagreeing
            ),
        }

    def _reason(self, config: CanaryConfig) -> str:
        """Why a guard takes it back; empty if none does."""
        mine, other = self.total
        told = {
            FAILED: f"it failed {_of(mine.num_failed, mine.num)}, the other version "
            f"{_of(other.num_failed, other.num)}; {config.max_failed_ratio:g} times is allowed",
            SLOW: f"{_of(mine.num_slow, mine.num_answered)} took longer than {self.limit_s:g} s, "
            f"of the other version {_of(other.num_slow, other.num_answered)}; "
            f"{config.max_slow_ratio:g} times is allowed",
            DISAGREEING: f"{_of(other.num_disagreeing, other.num_compared)} disagree with the "
            f"other version; {config.max_disagreeing:.1%} is allowed",
        }
        for guard in GUARDS:
            if self.evidence(guard) >= self.convicts_at:
                found = f"evidence {self.evidence(guard):.4g} of {self.convicts_at:.4g}"
                return f"{guard}: {told[guard]} ({found}, confidence {1 - config.alpha:.0%})"
        return ""

    def _late(self, config: CanaryConfig) -> str:
        if self.watched_s <= config.max_step_s:
            return ""
        return (
            f"too few answers: {self.num_in_step} in {config.max_step_s:g} s of step "
            f"{self.step + 1}, expected {config.min_answers}; send more traffic, or change "
            "canary.min_answers or canary.max_step_s"
        )

    def _points(self, config: CanaryConfig) -> tuple[Point, ...]:
        share = config.steps[self.step]
        evidence = tuple(self.evidence(guard) for guard in GUARDS)
        last = Point(num=self.total[0].num, share=share, evidence=evidence)
        known = self.points[1::2] if len(self.points) >= _MAX_POINTS else self.points
        return (*known, last)


def _of(num: int, total: int) -> str:
    return f"{num:,} of {total:,} ({num / max(total, 1):.2%})"
