"""Every way to a worker asks for the driver's code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dask
import pytest

from operators.compute.ray_executor import RayExecutor
from operators.compute.ray_nodes import Home
from operators.installed_code import code_digest
from tasks.core.errors import ResourceError

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray\\.data"),
]
ELSEWHERE = "f" * 56


def call(executor: RayExecutor) -> Any:
    return executor.submit(int, "3").result()


def compute(executor: RayExecutor) -> Any:
    return executor.compute(dask.delayed(int)("3"))


def train(executor: RayExecutor) -> Any:
    return executor.granted(0.5, num_workers=2).train(int).result()


@pytest.fixture
def executor(ray_cluster: str) -> RayExecutor:
    return RayExecutor.connect(ray_cluster).granted(0.5)


def test_a_driver_knows_its_code(executor: RayExecutor) -> None:
    assert executor.home.code == code_digest()
    assert len(executor.home.node) == len(ELSEWHERE)


@pytest.mark.parametrize("way", [call, compute, train])
def test_another_node_must_have_the_drivers_code(
    way: Callable[[RayExecutor], Any], executor: RayExecutor
) -> None:
    same = replace(executor, home=Home(ELSEWHERE, executor.home.code))
    other = replace(executor, home=Home(ELSEWHERE, "0" * 64))
    with pytest.raises(ResourceError, match=r"other code in .*than the stage's driver \(0{12}\)"):
        way(other)
    assert way is train or way(same) == 3  # a training that is not refused starts many processes
