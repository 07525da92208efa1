"""The peer that grasp collection is compared with runs, unmodified."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pybullet_data
import pytest

from benchmarks.grasping.baseline import MODULE, run_episodes
from benchmarks.own_process import OwnProcess


def where_it_comes_from() -> str:
    return inspect.getsourcefile(sys.modules[MODULE].KukaDiverseObjectEnv)


@pytest.mark.slow
def test_an_episode_is_an_attempt_of_the_installed_environment():
    with OwnProcess() as process:
        first = process.call(run_episodes, 5, 1, 32).value
        again = process.call(run_episodes, 5, 1, 32).value
        source = process.call(where_it_comes_from).value

    assert first.attempts == 1
    assert 7 <= first.pictures <= 9
    assert first == again
    assert Path(source).parents[2] == Path(pybullet_data.getDataPath()).parent
