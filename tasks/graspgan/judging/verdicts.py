"""What scores come to: areas of all methods, differences, shares, label factors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.graspgan.judging.answers import Answers
from tasks.graspgan.judging.labels import label_factor
from tasks.graspgan.judging.manifests import MethodResult, RawGain, Value
from tasks.graspgan.methods import Method
from tasks.report.estimates import Estimate

RANDOMISED: Final = "randomised_longer"  # as many steps as any other method
LABELS: Final = "labels"
LOW_SHARE: Final = 5  # per cent of the labels, at which factors are stated
_RAW: Final = "_raw"  # ends names of methods whose inputs are as they are
_GENERATORS: Final = ("graspgan", "graspgan_cut")
_LABELLED_SHARES: Final = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class TargetScores:
    """Scores of all methods on a target.

    Attributes:
        target: World.
        validation: Of the split that names the best control.
        test: Of the split that is opened once.
        is_uniform: Of the target's test: which grasps were drawn uniformly, (n,).
        num_labels: By method: labels that it used.
    """

    target: str
    validation: Answers
    test: Answers
    is_uniform: npt.NDArray[np.bool_]
    num_labels: Mapping[str, int]

    def results(self, methods: Sequence[Method], best_control: str) -> tuple[MethodResult, ...]:
        """Areas and differences of all methods that were trained."""
        known = self.test.said
        return tuple(self._result(each, best_control) for each in methods if each.name in known)

    def closed_share(self, name: str, control: str) -> Value | None:
        """How much of what a control leaves, to all labels, a method closes."""
        return _value_or_none(self.test.closed_share(control, name, LABELS))

    def closed_of_randomised(self) -> dict[str, Value]:
        """How much of what randomised looks leave each GraspGAN closes, by method."""
        found = {name: self.closed_share(name, RANDOMISED) for name in _GENERATORS}
        return {name: each for name, each in found.items() if each is not None}

    def difference(self, name: str, other: str) -> Value | None:
        """Area of a method less that of another; None where one of them was not trained."""
        return _value_or_none(self.test.difference(name, other))

    def raw_gains(self) -> Iterator[RawGain]:
        """What generators give to raw inputs, beside what standardising these would have given."""
        raw = f"{RANDOMISED}{_RAW}"
        standardised = self.difference(RANDOMISED, raw)
        for name in _GENERATORS:
            gain = self.difference(f"{name}{_RAW}", raw)
            if gain is not None and standardised is not None:
                share = self.test.closed_share(raw, RANDOMISED, f"{name}{_RAW}")
                yield RawGain(
                    method=name, gain=gain, standardised=standardised, share=_value_or_none(share)
                )

    def factor(self, name: str, control: str, *, share: int) -> Value | None:
        """How many times more labels the control needs to reach a method at a share of them.

        Args:
            name: The method without labels.
            control: The control without labels.
            share: Per cent of the labels that the method uses; 0: none, and what comes back is
                the number of labels that it is worth.
        """
        wanted = f"{name}_{share}" if share else name
        known = self.test.said
        if not {wanted, LABELS} <= {*known} or not has_curve(control, known):
            return None
        # From no label to all; the last point is that of training on labels alone.
        names = [control, *_labelled(control), LABELS]
        curve = {self.num_labels[each]: self.test.drawn(each) for each in names if each in known}
        num = len(self.test.test.success)
        found = label_factor(curve, self.test.drawn(wanted), self.num_labels[wanted], num)
        if self.test.test.has_few_scenes:
            found = replace(found, low=None, high=None)
        return value(found)

    def _result(self, method: Method, best_control: str) -> MethodResult:
        name = method.name
        return MethodResult(
            method=name,
            says=method.says,
            target=self.target,
            num_seeds=len(self.test.said[name]),
            num_labels=self.num_labels[name],
            is_control=method.is_control,
            area=value(self.test.area(name)),
            uniform=_area_in(self._parts[0], name),
            near=_area_in(self._parts[1], name),
            validation=self.validation.area(name).value,
            over_randomised=self.difference(name, RANDOMISED),
            over_control=self.difference(name, best_control),
            below_labels=self.difference(LABELS, name),
        )

    @cached_property
    def _parts(self) -> tuple[Answers | None, Answers | None]:
        """What was said of uniform proposals, and of those near objects."""
        return self.test.part(self.is_uniform), self.test.part(~self.is_uniform)


def _area_in(part: Answers | None, name: str) -> Value | None:
    return None if part is None else value(part.area(name))


def has_curve(name: str, known: Collection[str]) -> bool:
    """Whether a method was trained with some shares of the labels, too."""
    return any(each in known for each in _labelled(name))


def _labelled(name: str) -> list[str]:
    return [f"{name}_{share}" for share in _LABELLED_SHARES]


def _value_or_none(found: Estimate | None) -> Value | None:
    return None if found is None else value(found)


def value(estimate: Estimate) -> Value:
    """An estimate as a record keeps it."""
    return Value(**asdict(estimate))
