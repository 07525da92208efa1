"""Seeds: an item's draws depend on root seed, stage and item, and on nothing else."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np

from tasks.core.seeds import digest64, rng, torch_seed


def test_digest64_is_the_head_of_sha256() -> None:
    assert digest64("abc") == int(hashlib.sha256(b"abc").hexdigest()[:16], 16)


def test_generator_is_the_documented_one() -> None:
    expected = np.random.default_rng([7, digest64("a.b"), digest64("x")]).random(4)
    np.testing.assert_array_equal(rng(7, "a.b", "x").random(4), expected)


def test_each_of_the_three_counts() -> None:
    places = list(itertools.product((0, 1), ("a", "b"), ("x", "y")))
    assert len({rng(*place).random() for place in places}) == len(places)
    assert len({torch_seed(*place) for place in places}) == len(places)
    assert all(0 <= torch_seed(*place) < 2**63 for place in places)
