"""How often grasps lift something, method by method, in the same scenes.

Scenes are drawn for the bootstrap. In each of them one training of a method grasped; to draw them
as if each had a training of its own tells too little of how much trainings differ. Where the means
of these differ by more than scenes make them, that decides: all draws lie as much further apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.graspgan.judging.areas import MIN_SCENES
from tasks.graspgan.judging.manifests import GraspOutcome, TargetResult, Value
from tasks.graspgan.judging.verdicts import LABELS
from tasks.report.estimates import LEVEL, NUM_RESAMPLED

_SEED: Final = 0
_NUM_FILMS: Final = 4
FloatArray = npt.NDArray[np.float64]


def compared(result: TargetResult, by_method: Mapping[str, Sequence[GraspOutcome]]) -> TargetResult:
    """Add to a result what came of grasps; scenes that failed for any method are left out."""
    scenes = set.intersection(*({e.scene_id for e in found} for found in by_method.values()))
    order = sorted(scenes)
    counts = {
        name: np.array([np.mean(_of(found, scene).successes) for scene in order])
        for name, found in by_method.items()
    }
    first = [_of(next(iter(by_method.values())), scene) for scene in order]
    seeds = np.array([each.seed for each in first])
    shares = {name: _shares(each, seeds) for name, each in counts.items()}
    stated = partial(
        _value,
        num=sum(len(each.successes) for each in first),
        num_seeds=len({*seeds}),
        num_scenes=len(order),
    )
    best, control = shares.get(result.best_adapted), shares.get(result.best_network)
    labels = shares.get(LABELS)
    gain = ratio = None
    if best is not None and control is not None and result.best_adapted != result.best_network:
        gain = stated(best - control)
    if best is not None and labels is not None and (labels > 0).all():
        ratio = stated(best / labels)
    return result.model_copy(
        update={
            "methods": tuple(
                each.model_copy(update={"success": stated(shares[each.method])})
                if each.method in shares
                else each
                for each in result.methods
            ),
            "success_gain": gain,
            "success_ratio": ratio,
            "films": {
                f"{name}/{scene}": _of(found, scene).film
                for name, found in by_method.items()
                for scene in order[:_NUM_FILMS]
            },
            "grasps": {
                name: tuple(_of(found, scene) for scene in order)
                for name, found in by_method.items()
            },
        }
    )


def _shares(by_scene: FloatArray, seeds: npt.NDArray[np.int64]) -> FloatArray:
    """Of all scenes, then of those of each training, then of scenes that are drawn."""
    num = len(by_scene)
    drawn = np.random.default_rng(_SEED).integers(num, size=(NUM_RESAMPLED, num))
    of_trainings = [by_scene[seeds == seed].mean() for seed in np.unique(seeds)]
    return np.concatenate([[by_scene.mean()], of_trainings, by_scene[drawn].mean(axis=1)])


def _of(found: Sequence[GraspOutcome], scene: str) -> GraspOutcome:
    return next(each for each in found if each.scene_id == scene)


def _value(found: FloatArray, num: int, num_seeds: int, num_scenes: int) -> Value:
    """What `_shares`, or what was made of several of them, come to."""
    value, of_seeds, draws = found[0], found[1 : 1 + num_seeds], found[1 + num_seeds :]
    if num_scenes < MIN_SCENES:
        return Value(value=float(value), error=None, low=None, high=None, num=num)
    error = float(draws.std())
    if num_seeds > 1 and error > 0:
        of_trainings = float(of_seeds.std(ddof=1)) / sqrt(num_seeds)
        draws = value + max(1.0, of_trainings / error) * (draws - value)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Value(
        value=float(value),
        error=float(draws.std()),
        low=float(low),
        high=float(high),
        num=num,
    )
