from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.graspgan.judging.answers import Answers
from tasks.graspgan.judging.naming import named
from tests.support.graspgan.results import target_scores


def with_strengths(answers: Answers, **strengths: float) -> Answers:
    """Other methods that know so much of the outcome."""
    rng = np.random.default_rng(1)
    test = answers.test
    said = {
        name: [strength * test.success + rng.normal(size=len(test.success))]
        for name, strength in strengths.items()
    }
    return replace(answers, said={**answers.said, **said})


def test_labels_name_controls_and_no_adaptation() -> None:
    validation = target_scores().validation
    painted = with_strengths(validation, graspgan=5.0, graspgan_cut=0.1)
    best = named(validation, painted)
    assert (best.control, best.network) == ("cut_structured", "cut_structured")
    assert best.adapted == "graspgan", "whatever labels say of it"
    assert named(with_strengths(validation, graspgan_cut=9.0), painted) == best


def test_trees_without_labels_are_controls() -> None:
    validation = target_scores().validation
    trees = with_strengths(validation, trees_contrast=6.0, trees_mask=9.0, trees_contrast_labels=9)
    best = named(trees, validation)
    assert best.control == "trees_contrast", "oracles and labels are none"
    assert best.network == "cut_structured"


def test_rows_of_one_seed_are_not_named() -> None:
    validation = target_scores().validation
    painted = with_strengths(validation, dann_one_norm=9.0, dann_cut=9.0, graspgan_alone=9.0)
    assert named(replace(validation, said=painted.said), painted).adapted == "graspgan_cut"


def test_curves_are_those_of_the_best_that_have_one() -> None:
    validation = with_strengths(target_scores().validation, structured=9.0, dann=9.0)
    best = named(validation, validation)
    assert (best.network, best.adapted) == ("structured", "dann")
    assert best.curve_of == ("cut_structured", "graspgan_cut")
    few = {name: validation.said[name] for name in ("simulation", "graspgan_cut", "labels")}
    assert named(replace(validation, said=few), validation).curve_of is None
