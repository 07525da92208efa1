"""The claims of the post, and what the test says of each.

K. Bousmalis et al. (arXiv 1709.07857) and the post that announced it: adapted pictures beat
randomised ones; without any real label the result is about as good as with all of them; up to 50
times fewer real samples suffice. A claim of this project stands beside: an adaptation is worth more
than the best of what no network adapts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Literal

from tasks.graspgan.judging.manifests import (
    Evaluation,
    MethodResult,
    RawGain,
    TargetResult,
    Value,
)
from tasks.graspgan.judging.verdicts import LABELS, LOW_SHARE

NUM_ERRORS: Final = 2.0  # standard errors above which a difference counts
GAP_ERRORS: Final = 3.0  # the same of a gap that all that follows stands on
MIN_SEEDS: Final = 3  # trainings of a method, below which nothing is decided
_ALSO: Final = {"dann": "DANN", "graspgan_dann": "GraspGAN and DANN", "adabn": "AdaBN"}
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
        _gap(result),
        _posts("GraspGAN, as in the paper, beats randomised looks", "graspgan", result, by_name),
        _posts(
            "GraspGAN from the target's own textures beats randomised looks",
            "graspgan_cut",
            result,
            by_name,
        ),
        _over_control(result, by_name),
        *_alike(result, by_name),
        _by_errors(
            "DANN adds to GraspGAN",
            result.dann_adds,
            "over GraspGAN alone",
            _num_seeds("graspgan_dann", by_name),
        ),
        _closed_loop(result, by_name),
        _as_good(result, by_name),
        _fewer(result, by_name),
        Claim(
            "Procedural objects serve as well as everyday ones",
            "not testable here",
            "one run has one family of objects; two runs with other objects answer it",
        ),
    )


def simulation_claim(evaluation: Evaluation) -> Claim:
    """What simulation's own test says of C, before anything is said of a target."""
    says = "On simulation itself C tells more of held-out objects than their masks would"
    name, found = evaluation.simulation_network, evaluation.simulation
    seeds = [
        each.num_seeds for e in evaluation.targets for each in e.methods if each.method == name
    ]
    claim = _by_errors(
        says,
        found.get("over_trees_mask"),
        "over trees on an oracle's object mask",
        max(seeds, default=0),
    )
    height = found.get("over_trees_height")
    if height is None:
        return claim
    return replace(claim, because=f"{claim.because}; {stated(height)} over trees on its heights")


def raw_gains_said(result: TargetResult) -> str:
    """How much of what generators give to raw inputs standardising these would have given."""
    if not result.raw_gains:
        return (
            "How much of a generator's gain standardised inputs would have given: not testable "
            "here, no raw rows were trained."
        )
    names = {each.method: each for each in result.methods}
    return " ".join(_raw_gain_said(each, names[f"{each.method}_raw"]) for each in result.raw_gains)


def _raw_gain_said(found: RawGain, row: MethodResult) -> str:
    said = (
        f"On raw inputs {found.method} gains {stated(found.gain)} in area over randomised looks "
        f"(of {_trainings(row.num_seeds)}); standardising the inputs of randomised looks gains "
        f"{stated(found.standardised)}"
    )
    if found.share is None:
        return f"{said}."
    return f"{said}: of the former it is the part {stated(found.share, 2)}."


def nearest_control(result: TargetResult) -> tuple[str, Value] | None:
    """The control that all labels beat by the fewest standard errors, and by how much."""
    found = {
        each.method: each.below_labels
        for each in result.methods
        if each.is_control and each.below_labels is not None and each.below_labels.error
    }
    return min(found.items(), key=lambda item: _in_errors(item[1]), default=None)


def stated(value: Value | None, digits: int = 3, unit: str = "") -> str:
    """A value with its interval."""
    if value is None:
        return "not measured"
    text = f"{value.value:.{digits}f}{unit}"
    if value.low is None or value.high is None:
        return text
    return f"{text} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _gap(result: TargetResult) -> Claim:
    says = "There is a gap: all labels beat every control"
    nearest = nearest_control(result)
    if nearest is None:
        because = "nothing was trained on all labels, or there are too few scenes"
        return Claim(says, "not testable here", because)
    labels = next(each for each in result.methods if each.method == LABELS)
    num = sum(each.is_control for each in result.methods)
    what = f"over {nearest[0]}, the nearest of {num} controls"
    return _by_errors(says, nearest[1], what, labels.num_seeds, GAP_ERRORS)


def _over_randomised(says: str, name: str, by_name: dict[str, MethodResult]) -> Claim:
    row = by_name.get(name)
    found = row.over_randomised if row else None
    what = "over randomised looks of as many steps"
    return _by_errors(says, found, what, _num_seeds(name, by_name))


def _posts(says: str, name: str, result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    claim = _over_randomised(says, name, by_name)
    if name not in result.closed_of_randomised:
        return claim
    share = stated(result.closed_of_randomised[name], 2)
    return replace(claim, because=f"{claim.because}; of what they leave it closes {share}")


def _over_control(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    says = "Ours: the best adaptation beats the best control"
    if result.best_adapted == result.best_network:
        return Claim(says, "not testable here", "nothing was adapted")
    best = by_name[result.best_adapted]
    what = f"of {best.method} over {result.best_control}"
    return _by_errors(says, best.over_control, what, best.num_seeds)


def _alike(result: TargetResult, by_name: dict[str, MethodResult]) -> Iterator[Claim]:
    """Both verdicts of the adaptations that are no GraspGAN alone."""
    for name, says in _ALSO.items():
        yield _over_randomised(f"{says} beats randomised looks", name, by_name)
        found = by_name[name].over_control if name in by_name else None
        yield _by_errors(
            f"{says} beats the best control",
            found,
            f"over {result.best_control}",
            _num_seeds(name, by_name),
        )


def _closed_loop(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    """By scenes, which both tried, dealt out over their trainings."""
    says = "In closed loop the best adaptation beats the best network of the controls"
    gain = result.success_gain
    if gain is None:
        return Claim(says, "not testable here", "nothing was adapted, or no grasps were tried")
    if not gain.error:
        because = "both did as well in every scene, or there were too few scenes"
        return Claim(says, "not testable here", because)
    ends = [
        f"{name} lifts {stated(_in_percent(by_name[name].success), 1)} %"
        for name in (result.best_adapted, result.best_network)
    ]
    count = _in_errors(gain)
    because = (
        f"{' and '.join(ends)} of {gain.num:,} grasps in the same scenes: {100 * gain.value:+.1f} "
        f"points ({count:.1f} standard errors)"
    )
    if (few := _few_trainings(result.best_adapted, by_name)) is not None:
        return Claim(says, "not testable here", f"{because}; {few}")
    return Claim(says, "reproduced" if count > NUM_ERRORS else "not reproduced", because)


def _in_percent(value: Value | None) -> Value | None:
    if value is None or value.low is None or value.high is None:
        return None
    ends = {"low": 100 * value.low, "high": 100 * value.high}
    return value.model_copy(update={"value": 100 * value.value, **ends})


def _as_good(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    says = "Without a real label it is about as good as with all"
    if LABELS not in by_name:
        return Claim(says, "not testable here", "nothing was trained on all labels")
    ratio = result.success_ratio
    if ratio is not None and ratio.low is not None:
        because = f"success in closed loop over that with labels: {stated(ratio)}"
        if (few := _few_trainings(result.best_adapted, by_name)) is not None:
            return Claim(says, "not testable here", f"{because}; {few}")
        return Claim(says, "reproduced" if ratio.low >= _AS_GOOD else "not reproduced", because)
    best, labels = by_name[result.best_adapted].area.value, by_name[LABELS].area.value
    return Claim(
        says,
        "not testable here",
        "no grasps were tried, or in too few scenes; areas are "
        f"{best:.3f} without labels and {labels:.3f} with all",
    )


def _fewer(result: TargetResult, by_name: dict[str, MethodResult]) -> Claim:
    says = f"Up to {_FACTOR:.0f} times fewer real samples suffice"
    factor = result.label_factor
    if factor is None or result.curve_of is None:
        return Claim(says, "not testable here", "the curve over labels was not trained")
    control, adapted = result.curve_of
    found = f"{adapted} needs {stated(factor, 1)} times fewer than {control}"
    if result.label_factor_randomised is not None:
        found += f", {stated(result.label_factor_randomised, 1)} than randomised looks"
    found += f", at {LOW_SHARE} %"
    greatest = 100 / LOW_SHARE
    because = f"{found} of them; a factor of more than {greatest:.0f} can't show with so many"
    if (few := _few_trainings(adapted, by_name)) is not None:
        return Claim(says, "not testable here", f"{because}; {few}")
    if factor.high is None or factor.high > 0.95 * greatest:  # shares are of whole scenes
        return Claim(says, "not testable here", because)
    return Claim(says, "not reproduced", because)


def _num_seeds(name: str, by_name: dict[str, MethodResult]) -> int:
    return by_name[name].num_seeds if name in by_name else 0


def _by_errors(
    says: str, found: Value | None, what: str, num_seeds: int, needed: float = NUM_ERRORS
) -> Claim:
    if found is None or not num_seeds:
        return Claim(says, "not testable here", "it was not trained, or has nothing beside it")
    if not found.error:
        because = f"{found.value:+.3f} in area {what}, in too few scenes to say more"
        return Claim(says, "not testable here", because)
    count = _in_errors(found)
    because = f"{found.value:+.3f} in area ({count:.1f} standard errors) {what}"
    if num_seeds < MIN_SEEDS:
        return Claim(says, "not testable here", f"{because}; {_too_few(num_seeds)}")
    return Claim(says, "reproduced" if count > needed else "not reproduced", because)


def _few_trainings(name: str, by_name: dict[str, MethodResult]) -> str | None:
    num = _num_seeds(name, by_name)
    return _too_few(num) if num < MIN_SEEDS else None


def _too_few(num_seeds: int) -> str:
    return f"of {_trainings(num_seeds)}, too few to tell how much they differ"


def _trainings(num: int) -> str:
    return "one training" if num == 1 else f"{num} trainings"


def _in_errors(found: Value) -> float:
    return found.value / (found.error or inf)
