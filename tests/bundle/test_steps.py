"""Only functions that say that they are steps are called, and only the version that was meant."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.bundle.manifest import Step
from tasks.bundle.steps import find_step, shares, step_of
from tests.support.hostile.refusals import refused


def test_shares_add_up_to_one_also_of_large_logits() -> None:
    (scores,) = shares({"logits": np.array([[0.0, np.log(3)], [1e4, 0.0]])}).values()
    np.testing.assert_allclose(scores, [[0.25, 0.75], [1.0, 0.0]])


def test_a_step_is_found_by_the_name_that_it_has() -> None:
    named = step_of(shares)
    assert (named.function, named.version) == ("tasks.bundle.steps:shares", 1)
    assert find_step(named, "here") is shares
    assert find_step(None, "here")({"x": 1}) == {"x": 1}  # type: ignore[dict-item]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("function", "version", "told"),
    [
        ("tasks.bundle.steps:shares", 2, "of version 2, it has version 1"),
        ("tasks.bundle.steps:find_step", 1, "is no step"),
        ("tasks.bundle.steps:importlib", 1, "it comes from elsewhere"),
        ("tasks.bundle.steps:Step", 1, "it comes from elsewhere"),
        ("tasks.bundle.steps:nothing", 1, "has no attribute 'nothing'"),
        ("tasks.nowhere:f", 1, "No module named"),
    ],
)
def test_anything_else_is_refused(function: str, version: int, told: str) -> None:
    with refused(function, told):
        find_step(Step(function=function, version=version), "here")
