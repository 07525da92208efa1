"""What scores come to: areas of all methods, differences, shares, label factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.graspgan.judging.areas import BySeed, Test
from tasks.graspgan.judging.labels import label_factor
from tasks.graspgan.judging.manifests import MethodResult, Value
from tasks.graspgan.methods import Method
from tasks.report.estimates import Estimate

RANDOMISED: Final = "randomised_longer"  # as many steps as any other method
LABELS: Final = "labels"
LOW_SHARE: Final = 5  # per cent of the labels, at which factors are stated
_LABELLED_SHARES: Final = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class TargetScores:
    """Scores of all methods on a target.

    Attributes:
        target: World.
        validation: The split that names the best control.
        test: The split that is opened once.
        simulation: The simulation's own test split.
        is_uniform: Of the target's test: which grasps were drawn uniformly, (n,).
        said: By method: what each seed says of validation, test and simulation.
        num_labels: By method: labels that it used.
    """

    target: str
    validation: Test
    test: Test
    simulation: Test
    is_uniform: npt.NDArray[np.bool_]
    said: Mapping[str, tuple[BySeed, BySeed, BySeed]]
    num_labels: Mapping[str, int]

    def best_of(self, names: Sequence[str]) -> str:
        """The method that the validation split likes best; the first of equals.

        Raises:
            ValueError: There is none.
        """
        return max(names, key=lambda name: self.validation.area(self.said[name][0]).value)

    def results(self, methods: Sequence[Method], best_control: str) -> tuple[MethodResult, ...]:
        """Areas and differences of all methods that were trained."""
        return tuple(self._result(each, best_control) for each in methods if each.name in self.said)

    def closed_share(self, name: str, best_control: str) -> Value | None:
        """How much of what the best control leaves a method closes."""
        if LABELS not in self.said:
            return None
        ends = (self.said[each][1] for each in (best_control, name, LABELS))
        found = self.test.closed_share(*ends)
        return None if found is None else value(found)

    def factor(self, name: str, control: str, *, share: int) -> Value | None:
        """How many times more labels the control needs to reach a method at a share of them.

        Args:
            name: The method without labels.
            control: The control without labels.
            share: Per cent of the labels that the method uses; 0: none, and what comes back is
                the number of labels that it is worth.
        """
        wanted = f"{name}_{share}" if share else name
        curve = self._curve(control)
        if len(curve) < 2 or wanted not in self.said:
            return None
        reached = self.test.areas(self.said[wanted][1]).mean(axis=0)
        num_used = self.num_labels[wanted]
        return value(label_factor(curve, reached, num_used, len(self.test.success)))

    def _curve(self, control: str) -> dict[int, npt.NDArray[np.float64]]:
        """Areas of the control over labels; all of them are those of training on labels."""
        names = [f"{control}_{share}" for share in _LABELLED_SHARES] + [LABELS]
        return {
            self.num_labels[name]: self.test.areas(self.said[name][1]).mean(axis=0)
            for name in names
            if name in self.said and self.num_labels[name]
        }

    def _result(self, method: Method, best_control: str) -> MethodResult:
        validation, test, simulation = self.said[method.name]
        near = ~self.is_uniform

        def over(other: str) -> Value | None:
            if other == method.name or other not in self.said:
                return None
            return value(self.test.difference(test, self.said[other][1]))

        return MethodResult(
            method=method.name,
            says=method.says,
            target=self.target,
            num_seeds=len(test),
            num_labels=self.num_labels[method.name],
            is_control=method.is_control,
            area=value(self.test.area(test)),
            uniform=self._part(self.is_uniform, test),
            near=self._part(near, test),
            simulation=value(self.simulation.area(simulation)) if simulation else None,
            validation=self.validation.area(validation).value,
            over_randomised=over(RANDOMISED),
            over_control=over(best_control),
        )

    def _part(self, chosen: npt.NDArray[np.bool_], test: BySeed) -> Value | None:
        success = self.test.success[chosen]
        if success.all() or not success.any():
            return None
        return value(self.test.part(chosen).area([each[chosen] for each in test]))


def value(estimate: Estimate) -> Value:
    """An estimate as a record keeps it."""
    return Value(**asdict(estimate))
