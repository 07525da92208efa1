"""The executor on a real Ray, and the same calls on the serial one."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from operators.compute.ray_executor import RayExecutor
from operators.compute.serial import SerialExecutor
from operators.installation import ROOT
from tasks.core.errors import (
    DataError,
    ResourceError,
    TransientError,
    WorkerLostError,
)
from tests.support.kernel.live_runs import until

pytestmark = pytest.mark.integration


@pytest.fixture(params=["serial", "ray"])
def executor(request: pytest.FixtureRequest) -> Any:
    if request.param == "serial":
        return SerialExecutor().granted(1.0)
    return RayExecutor.connect(request.getfixturevalue("ray_cluster")).granted(1.0)


@pytest.fixture
def ray_executor(ray_cluster: str) -> RayExecutor:
    return RayExecutor.connect(ray_cluster)


def square(value: int) -> int:
    return value * value


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.05)


def fail(kind: type[Exception]) -> None:
    raise kind("it went wrong")


def die() -> None:
    os.kill(os.getpid(), 9)


def total(shared: Any, scale: float) -> tuple[float, bool]:
    array = shared()
    return float(array.sum()) * scale, array.flags.writeable


def test_submit_and_as_completed(executor: Any) -> None:
    futures = [executor.submit(square, i) for i in range(5)]
    assert sorted(each.result() for each in executor.as_completed(futures)) == [0, 1, 4, 9, 16]


def test_the_earliest_comes_first(ray_executor: RayExecutor, tmp_path: Path) -> None:
    slow, fast = ray_executor.submit(wait_for, tmp_path / "go"), ray_executor.submit(square, 2)
    assert next(iter(ray_executor.as_completed([slow, fast]))) is fast
    (tmp_path / "go").touch()
    slow.result()


@pytest.mark.parametrize("kind", [DataError, ZeroDivisionError])
def test_errors_keep_their_type(executor: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="it went wrong"):
        executor.submit(fail, kind).result()


def test_lost_worker_is_told_from_a_failed_call(ray_executor: RayExecutor) -> None:
    with pytest.raises(WorkerLostError, match="its worker died"):
        ray_executor.submit(die).result()


def test_shared_array_is_one_read_only_copy(executor: Any) -> None:
    shared = executor.share(np.ones((100, 10)))
    futures = [executor.submit(total, shared, scale) for scale in (1.0, 2.0)]
    assert [each.result() for each in futures] == [(1000.0, False), (2000.0, False)]


def place(shared: Any, meeting: Path) -> tuple[int, str, int]:
    """In which process, inode and offset an array is found; waits for a second process."""
    (meeting / str(os.getpid())).touch()
    until(lambda: len(list(meeting.iterdir())) == 2, 120.0)
    address = shared().__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        limits, _, offset, _, inode = line.split()[:5]
        first, last = (int(each, 16) for each in limits.split("-"))
        if first <= address < last:
            return os.getpid(), inode, int(offset, 16) + address - first
    raise AssertionError("the array lies nowhere")


def test_all_workers_of_a_node_read_one_copy(ray_executor: RayExecutor, tmp_path: Path) -> None:
    shared = ray_executor.share(np.ones((2000, 2000), np.uint8)[:, ::2])
    two = [ray_executor.submit(place, shared, tmp_path) for _ in range(2)]
    (pid, *where), (other_pid, *other_where) = (each.result() for each in two)
    assert pid != other_pid
    assert where == other_where
    assert where[0] != "0", "in a file that processes share, not in memory of its own"


def test_a_handle_travels_small(ray_executor: RayExecutor) -> None:
    import ray

    shared = ray_executor.share(np.zeros(1_000_000))
    assert len(ray.cloudpickle.dumps(shared)) < 2000


def test_a_lost_array_is_worth_another_try(ray_executor: RayExecutor) -> None:
    import ray

    keeper = ray.remote(Keeper).options(num_cpus=0).remote()
    shared = ray.get(keeper.share.remote())
    ray.kill(keeper)  # who put an array owns it: it goes with its driver's node
    with pytest.raises(TransientError, match="lost a shared array"):
        read_often(ray_executor, shared)


def read_often(executor: RayExecutor, shared: Any) -> None:
    """Read an array for two minutes: it is there until the cluster notices."""
    for _ in range(1200):
        executor.submit(total, shared, 1.0).result()
        time.sleep(0.1)


class Keeper:
    """An actor that shares an array as a driver does."""

    def share(self) -> Any:
        return RayExecutor().share(np.zeros(1_000_000))


def num_threads() -> tuple[set[int], int, str]:
    import cv2

    return (
        {each["num_threads"] for each in threadpoolctl.threadpool_info()},
        cv2.getNumThreads(),
        os.environ["OMP_NUM_THREADS"],
    )


def test_libraries_in_workers_use_one_thread(ray_executor: RayExecutor) -> None:
    threads, cv2_threads, omp = ray_executor.submit(num_threads).result()
    assert threads == {1}
    assert (cv2_threads, omp) == (1, "1")


def test_call_that_fits_no_node_is_refused(ray_executor: RayExecutor) -> None:
    with pytest.raises(ResourceError, match=r"a call needs \{'CPU': 64.0, 'GPU': 2.0\}"):
        ray_executor.granted(64.0, 2.0)


def test_a_training_that_fits_nowhere_is_refused(ray_executor: RayExecutor) -> None:
    fits = int(ray_executor.granted(1.0).max_in_flight / 2)
    assert ray_executor.granted(1.0, num_workers=fits).max_trainings == 1
    with pytest.raises(ResourceError, match=rf"needs {fits + 1} times .* that {fits} times; lower"):
        ray_executor.granted(1.0, num_workers=fits + 1)


def test_a_training_of_one_process_is_a_call(ray_executor: RayExecutor) -> None:
    assert ray_executor.train(math.pow, 2.0).result() == 1.0
    assert ray_executor.max_trainings == ray_executor.max_in_flight


def where(block: np.ndarray) -> np.ndarray:
    """The process that computes a block, and whether it is a Ray worker."""
    import ray

    mode = ray.get_runtime_context().worker.mode
    return np.full_like(block, os.getpid() if mode == ray.WORKER_MODE else -1)


def test_drivers_and_workers_that_compute_no_graph_load_no_dask() -> None:
    probe = (
        "import sys, operators.stage.run, operators.compute.ray_executor\n"
        "print(sorted({'dask', 'pandas', 'pyarrow', 'scipy', 'torch'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", probe]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_dask_graph_runs_on_ray_workers(ray_executor: RayExecutor) -> None:
    import dask.array as da

    array = da.ones((4, 4), chunks=2)
    assert float(ray_executor.compute((array + 1).sum())) == 32.0
    processes = set(np.asarray(ray_executor.compute(array.map_blocks(where))).ravel().tolist())
    assert os.getpid() not in processes
    assert -1 not in processes
