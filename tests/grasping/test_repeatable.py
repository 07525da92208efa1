"""A scene is the same alone, after others, in another order and in another process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.support.grasping.real_scenes import WorldName, scene_digests, scene_rows

SLOW = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("world", ["bullet", "bullet-restyled", "surrogate"])
@pytest.mark.parametrize("num_scenes", [3, pytest.param(200, marks=SLOW)])
def test_a_scene_depends_on_nothing_but_itself(world: WorldName, num_scenes: int) -> None:
    indices = range(num_scenes)
    in_sequence = scene_digests(world, indices)
    alone = scene_digests(world, indices, afresh=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        elsewhere = pool.submit(scene_digests, world, indices[::-1]).result()
    assert len(set(in_sequence.values())) == num_scenes
    assert {i for i in indices if alone[i] != in_sequence[i]} == set()
    assert {i for i in indices if elsewhere[i] != in_sequence[i]} == set()


@pytest.mark.parametrize("world", ["bullet", "surrogate"])
def test_more_attempts_leave_the_first_ones_as_they_are(world: WorldName) -> None:
    """Attempts start from one saved state, so that none knows of those before it."""
    few, many = (scene_rows(world, 0, num_attempts=number) for number in (1, 3))
    assert many.slice(0, 1).equals(few)
