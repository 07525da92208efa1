"""The claims of the post, and what the test says of each.

K. Bousmalis et al. (arXiv 1709.07857) and the post that announced it: adapted pictures beat
randomised ones; without any real label the result is about as good as with all of them; up to 50
times fewer real samples suffice. A claim of this project stands beside: an adaptation is worth more
than the best of what no network adapts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tasks.graspgan.judging.manifests import MethodResult, TargetResult, Value
from tasks.graspgan.judging.verdicts import LABELS, LOW_SHARE

NUM_ERRORS: Final = 2.0  # standard errors above which a difference counts
_FACTOR: Final = 50.0
_AS_GOOD: Final = 0.95  # of the success with all labels

Outcome = Literal["reproduced", "not reproduced", "not testable here"]


@dataclass(frozen=True)
class Claim:
    """A claim and what came of it.

    Attributes:
        says: The claim.
        outcome: What the test says.
        because: The numbers.
    """

    says: str
    outcome: Outcome
    because: str


def claims_of(result: TargetResult) -> tuple[Claim, ...]:
    """What a target's test says of each claim."""
    by_name = {each.method: each for each in result.methods}
    return (
        _over_randomised("GraspGAN, as in the paper, beats randomised looks", "graspgan", by_name),
        _over_randomised(
            "A generator that begins with the target's own textures beats randomised looks",
            "graspgan_cut",
            by_name,
        ),
        _over_control(result, by_name),
        _adds("DANN adds to GraspGAN", "graspgan_dann", "graspgan_cut", by_name),
        _as_good(result, by_name),
        _fewer(result),
        Claim(
            "Procedural objects serve as well as everyday ones",
            "not testable here",
            "one run has one family of objects; two runs with other objects answer it",
        ),
    )


def stated(value: Value | None, digits: int = 3, unit: str = "") -> str:
    """A value with its interval."""
    if value is None:
        return "not measured"
    text = f"{value.value:.{digits}f}{unit}"
    if value.low is None or value.high is None:
        return text
    return f"{text} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _over_randomised(says: str, name: str, by_name: dict[str, MethodResult]) -> Claim:
    found = by_name[name].over_randomised if name in by_name else None
    return _by_errors(says, found, "over randomised looks of as many steps")


def _over_control(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    says = "Ours: the best adaptation is worth more than the best of what no network adapts"
    if result.best_adapted == result.best_control:
        return Claim(says, "not testable here", "nothing was adapted")
    best = by_name[result.best_adapted]
    return _by_errors(says, best.over_control, f"{best.says}, over {result.best_control}")


def _adds(says: str, name: str, other: str, by_name: dict[str, MethodResult]) -> Claim:
    if name not in by_name or other not in by_name:
        return Claim(says, "not testable here", "not both were trained")
    more, less = by_name[name].over_control, by_name[other].over_control
    if more is None or less is None:
        return Claim(says, "not testable here", "no control was trained")
    gain = more.value - less.value
    error = max(more.error or 0.0, less.error or 0.0)
    outcome: Outcome = "reproduced" if gain > NUM_ERRORS * error else "not reproduced"
    return Claim(says, outcome, f"{gain:+.3f} in area; the standard error of each is {error:.3f}")


def _as_good(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    says = "Without a real label the result is about as good as with all of them"
    if LABELS not in by_name:
        return Claim(says, "not testable here", "nothing was trained on all labels")
    if result.success_ratio is not None:
        ratio = result.success_ratio
        outcome: Outcome = "reproduced" if (ratio.low or 0.0) >= _AS_GOOD else "not reproduced"
        return Claim(
            says, outcome, f"success in closed loop over that with labels: {stated(ratio)}"
        )
    best, labels = by_name[result.best_adapted].area.value, by_name[LABELS].area.value
    return Claim(
        says,
        "not testable here",
        f"no grasps were tried; areas are {best:.3f} without labels and {labels:.3f} with all",
    )


def _fewer(result: TargetResult) -> Claim:
    says = f"Up to {_FACTOR:.0f} times fewer real samples suffice"
    factor = result.label_factor
    if factor is None:
        return Claim(says, "not testable here", "the curve over labels was not trained")
    outcome: Outcome = "reproduced" if (factor.low or 0.0) >= _FACTOR else "not reproduced"
    return Claim(
        says,
        outcome,
        f"{stated(factor, 1)} times fewer than the best control, at {LOW_SHARE} % of the labels; a "
        f"factor of more than {100 / LOW_SHARE:.0f} can't show with so many",
    )


def _by_errors(says: str, found: Value | None, what: str) -> Claim:
    if found is None or not found.error:
        return Claim(says, "not testable here", "it was not trained, or has nothing beside it")
    count = found.value / found.error
    outcome: Outcome = "reproduced" if count > NUM_ERRORS else "not reproduced"
    return Claim(says, outcome, f"{found.value:+.3f} in area ({count:.1f} standard errors) {what}")
