"""Areas under the ROC curve of several settings on one test set, and how they differ.

Attempts of one scene share its objects, so scenes are drawn, not attempts (E. Efron, R. Tibshirani,
"An Introduction to the Bootstrap", 1993, chapter 8); all settings see the same draws, so that what
is hard for all of them cancels in differences. Seeds of a setting are averaged within a draw; how
much seeds differ is a second source of error, which is added, or drawn, too.

Legend: n attempts, k scenes, d draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.report.estimates import LEVEL, NUM_RESAMPLED, Estimate, mean_estimate

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BySeed = Sequence[FloatArray]
"""Scores of one setting, (n,) for each seed."""
MIN_SCENES: Final = 10
"""Draws of fewer vary less than other scenes would: no error is stated, and nothing decided."""
_Z: Final = 1.959963984540054  # quantile (1 + LEVEL) / 2 of the normal distribution
_SEED: Final = 0


@dataclass(frozen=True)
class Test:
    """Attempts that settings are judged by.

    Attributes:
        success: Outcomes, (n,).
        scenes: Scene of each attempt, (n,).
    """

    success: BoolArray
    scenes: npt.NDArray[Any]

    def __post_init__(self) -> None:
        """Check that there is something to tell apart.

        Raises:
            DataError: All attempts have one outcome.
        """
        if self.success.all() or not self.success.any():
            raise DataError(
                f"expected successes and failures among {len(self.success)} attempts, got one "
                "of them alone: test on more scenes"
            )

    def part(self, chosen: BoolArray) -> Test:
        """Some of the attempts, e.g. those near objects."""
        return Test(self.success[chosen], self.scenes[chosen])

    def areas(self, by_seed: BySeed) -> FloatArray:
        """Areas of a setting: of all attempts, then of each draw of scenes, (seeds, 1 + d)."""
        return np.stack([self._areas(scores) for scores in by_seed])

    def area(self, by_seed: BySeed) -> Estimate:
        """Mean area of a setting over its seeds."""
        return self._estimate(self.areas(by_seed))

    def difference(self, first: BySeed, second: BySeed) -> Estimate:
        """Mean area of one setting less that of another.

        Seeds are paired where both have as many; else the errors of both are independent.
        """
        more, less = self.areas(first), self.areas(second)
        parts = [more - less] if len(more) == len(less) else [more, -less]
        return self._estimate(*parts)

    def drawn(self, by_seed: BySeed) -> FloatArray:
        """Mean area over seeds: of all, then of each draw of scenes and of seeds, (1 + d,).

        All settings see the same draws of seeds, too. A mean over few of them that are drawn with
        replacement varies less than that over other seeds would; this is made up for.
        """
        areas = self.areas(by_seed)
        num = len(areas)
        middle: FloatArray = areas.mean(axis=0)
        if num == 1:
            return middle
        chosen = np.random.default_rng(_SEED).integers(num, size=areas.shape)
        apart: FloatArray = np.take_along_axis(areas, chosen, axis=0).mean(axis=0) - middle
        apart[0] = 0
        return middle + sqrt(num / (num - 1)) * apart

    def closed_share(self, low: BySeed, found: BySeed, high: BySeed) -> Estimate | None:
        """How much of the gap between two settings a third closes; no standard error.

        Its interval is that of the ratio over draws; where the gap is not clearly above zero it is
        as wide as that deserves. None where there is no gap.
        """
        means = [self.drawn(each) for each in (low, found, high)]
        gaps = means[2] - means[0]
        if gaps[0] <= 0:
            return None
        shares = (means[1] - means[0])[gaps != 0] / gaps[gaps != 0]
        if self.has_few_scenes:
            return Estimate(float(shares[0]), None, None, None, len(self.success))
        ends = np.quantile(shares[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(float(shares[0]), None, float(ends[0]), float(ends[1]), len(self.success))

    def _estimate(self, *parts: FloatArray) -> Estimate:
        """Sum of means over seeds, (seeds, 1 + d) each, with the error of scenes and seeds."""
        middle = np.sum([each.mean(axis=0) for each in parts], axis=0)
        value, num = float(middle[0]), len(self.success)
        if self.has_few_scenes:
            return Estimate(value, None, None, None, num)
        of_seeds = [mean_estimate([*each[:, 0]]).error or 0.0 for each in parts]
        error = sqrt(float(middle[1:].std()) ** 2 + sum(each**2 for each in of_seeds))
        return Estimate(value, error, value - _Z * error, value + _Z * error, num)

    @property
    def has_few_scenes(self) -> bool:
        """Whether there are fewer than `MIN_SCENES`."""
        return len(self._counted[2]) < MIN_SCENES

    @cached_property
    def _counted(self) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
        """Number of each attempt's scene; weights of scenes, (1 + d, k); outcomes by scene."""
        names, scene = np.unique(self.scenes, return_inverse=True)
        num = len(names)
        drawn = np.random.default_rng(_SEED).multinomial(num, np.full(num, 1 / num), NUM_RESAMPLED)
        weights = np.concatenate([np.ones((1, num)), drawn.astype(np.float64)])
        successes, failures = (
            np.bincount(scene[outcome], minlength=num).astype(np.float64)
            for outcome in (self.success, ~self.success)
        )
        return scene, weights, successes, failures

    def _areas(self, scores: FloatArray) -> FloatArray:
        from tasks.grasping.algorithms.auc import wins_by_scene  # loads scikit-learn

        scene, weights, successes, failures = self._counted
        wins = wins_by_scene(scores, self.success, scene, len(successes))
        pairs = (weights @ successes) * (weights @ failures)
        with np.errstate(invalid="ignore"):
            areas = ((weights @ wins) * weights).sum(axis=1) / pairs
        found: FloatArray = np.where(pairs > 0, areas, areas[0])
        return found
