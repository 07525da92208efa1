"""Results of a target, made up."""

from __future__ import annotations

from functools import cache

import numpy as np

from tasks.graspgan.judging.answers import Answers
from tasks.graspgan.judging.areas import Test
from tasks.graspgan.judging.verdicts import TargetScores

STRENGTHS = {
    "simulation": 0.1,
    "randomised_longer": 0.4,
    "cut_structured": 0.8,
    "cut_structured_5": 0.9,
    "cut_structured_20": 1.2,
    "graspgan": 0.4,
    "graspgan_cut": 1.0,
    "graspgan_cut_5": 1.1,
    "labels": 1.5,
}
"""How much each method knows of the outcome, in deviations of its noise."""


@cache
def target_scores(num_scenes: int = 150, num_seeds: int = 3) -> TargetScores:
    """Scores of all methods, on one draw of scenes for each split."""
    rng = np.random.default_rng(0)
    splits = []
    for _ in range(2):
        scenes = np.repeat(np.arange(num_scenes), 8)
        success = rng.random(len(scenes)) < 0.3
        hard = rng.normal(size=len(scenes))  # what all methods find hard alike
        said = {
            name: [
                strength * success + hard + 0.2 * rng.normal(size=len(scenes))
                for _ in range(num_seeds)
            ]
            for name, strength in STRENGTHS.items()
        }
        splits.append(Answers(Test(success, scenes), said))
    validation, test = splits
    return TargetScores(
        target="surrogate",
        validation=validation,
        test=test,
        is_uniform=np.arange(len(test.test.success)) % 3 == 0,
        num_labels={n: {"5": 300, "20": 1200}.get(n.rpartition("_")[2], 0) for n in STRENGTHS}
        | {"labels": 6000},
    )
