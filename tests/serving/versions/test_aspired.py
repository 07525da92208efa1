"""Which versions should be served follows from policy, and aliases."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.serving.config import ModelConfig, Policy
from tasks.serving.versions.aspired import aspired_of
from tasks.serving.versions.folder import Listing


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {10}),
        ({"latest": 2}, {9, 10}),
        ({"latest": 9}, {1, 2, 9, 10}),
        ({"all": True}, {1, 2, 9, 10}),
        ({"specific": (2, 7)}, {2, 7}),
    ],
)
def test_of_a_folder_by_policy(policy: Any, expected: set[int]) -> None:
    model = ModelConfig(folder="/models/some", policy=Policy(**policy))
    assert aspired_of(model, Listing(frozenset({10, 9, 2, 1}))) == expected
    assert aspired_of(model, Listing(frozenset())) == set(model.policy.specific), (
        "told of when it is missing"
    )


@pytest.mark.parametrize(
    ("policy", "expected"), [({}, {3}), ({"latest": 1}, {3, 8}), ({"specific": (1,)}, {1, 3})]
)
def test_of_a_registry_by_its_aliases_too(policy: Any, expected: set[int]) -> None:
    model = ModelConfig(registry="some", policy=Policy(**policy))
    aliases = {"champion": 3, "somebodys": 5}
    assert aspired_of(model, Listing(frozenset(range(1, 9)), aliases)) == expected
