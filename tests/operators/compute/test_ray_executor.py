"""The executor on a real Ray, and the same calls on the serial one."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from operators.compute.ray_executor import RayExecutor
from operators.compute.serial import SerialExecutor
from tasks.core.errors import (
    DataError,
    OrreryError,
    ResourceError,
    TransientError,
    WorkerLostError,
)

pytestmark = pytest.mark.integration


@pytest.fixture(params=["serial", "ray"])
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "serial":
        return SerialExecutor().granted(1.0, 0.0, None, str(tmp_path / "training/k"))
    address = request.getfixturevalue("ray_cluster")
    return RayExecutor.connect(address).granted(1.0, 0.0, None, str(tmp_path / "training/k"))


@pytest.fixture(autouse=True)
def workers_end_with_their_test() -> Iterator[None]:
    """A worker ends when nothing refers to it; a caught exception's frames may."""
    yield
    gc.collect()


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


class Counter:
    """A stateful worker."""

    def __init__(self, index: int) -> None:
        self.value = 100 * index

    def add(self, step: int) -> int:
        self.value += step
        return self.value

    def fail(self) -> None:
        raise DataError("a bad call")


def test_map_keeps_order(executor: Any) -> None:
    assert list(executor.map(square, iter(range(15)))) == [i * i for i in range(15)]
    assert list(executor.map(square, [])) == []


def test_map_takes_no_more_than_it_can_use(ray_executor: RayExecutor) -> None:
    taken = []
    results = ray_executor.map(square, (taken.append(i) or i for i in range(100)))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= ray_executor.max_in_flight + 3


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


def test_workers_keep_their_state(executor: Any) -> None:
    one, two = executor.workers(Counter, 2)
    futures = [one.call("add", 1), two.call("add", 5), one.call("add", 2)]
    assert [each.result() for each in futures] == [1, 105, 3]
    with pytest.raises(DataError, match="a bad call"):
        one.call("fail").result()
    assert one.call("add", 0).result() == 3


def test_shared_array_is_one_read_only_copy(executor: Any) -> None:
    shared = executor.share(np.ones((100, 10)))
    futures = [executor.submit(total, shared, scale) for scale in (1.0, 2.0)]
    assert [each.result() for each in futures] == [(1000.0, False), (2000.0, False)]


class Placed:
    """A worker that says in which process, inode and offset it finds an array."""

    def __init__(self, index: int) -> None:
        pass

    def place(self, shared: Any) -> tuple[int, str, int]:
        address = shared().__array_interface__["data"][0]
        for line in Path("/proc/self/maps").read_text().splitlines():
            limits, _, offset, _, inode = line.split()[:5]
            first, last = (int(each, 16) for each in limits.split("-"))
            if first <= address < last:
                return os.getpid(), inode, int(offset, 16) + address - first
        raise AssertionError("the array lies nowhere")


def test_all_workers_of_a_node_read_one_copy(ray_executor: RayExecutor) -> None:
    shared = ray_executor.share(np.ones((2000, 2000), np.uint8)[:, ::2])
    two = [each.call("place", shared) for each in ray_executor.workers(Placed, 2)]
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

    (keeper,) = ray_executor.workers(Keeper, 1)
    shared = keeper.call("share").result()
    ray.kill(keeper.actor)  # who put an array owns it: it goes with its driver's node
    with pytest.raises(TransientError, match="lost a shared array"):
        read_often(ray_executor, shared)


def read_often(executor: RayExecutor, shared: Any) -> None:
    """Read an array for two minutes: it is there until the cluster notices."""
    for _ in range(1200):
        executor.submit(total, shared, 1.0).result()
        time.sleep(0.1)


class Keeper:
    """A worker that shares an array as a driver does."""

    def __init__(self, index: int) -> None:
        pass

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
        ray_executor.granted(64.0, 2.0, None, "")


def where(block: np.ndarray) -> np.ndarray:
    """The process that computes a block, and whether it is a Ray worker."""
    import ray

    mode = ray.get_runtime_context().worker.mode
    return np.full_like(block, os.getpid() if mode == ray.WORKER_MODE else -1)


def test_dask_graph_runs_on_ray_workers(ray_executor: RayExecutor) -> None:
    import dask.array as da

    array = da.ones((4, 4), chunks=2)
    assert float(ray_executor.compute((array + 1).sum())) == 32.0
    processes = set(np.asarray(ray_executor.compute(array.map_blocks(where))).ravel().tolist())
    assert os.getpid() not in processes
    assert -1 not in processes


def test_dask_collection_is_computed_serially_too() -> None:
    import dask.array as da

    assert float(SerialExecutor().compute(da.arange(5, chunks=2).sum())) == 10.0


def count_steps(given: Any) -> None:
    """A training loop that fails at its third step until it has a checkpoint of the second."""
    kept = given["load_checkpoint"]()
    start = int((kept / "step").read_text()) if kept else 0
    for step in range(start, given["num_steps"]):
        if step == 2 and start == 0:
            raise OrreryError("cut off")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "step").write_text(str(step + 1))
            given["save_checkpoint"](Path(folder))
            given["report"]({"loss": 1.0 / (step + 1)}, step)


def test_training_goes_on_from_its_checkpoint_serially(tmp_path: Path) -> None:
    executor = SerialExecutor().granted(1.0, 0.0, None, str(tmp_path / "training/k"))
    with pytest.raises(OrreryError, match="cut off"):
        executor.train(count_steps, {"num_steps": 4}, 1)
    assert executor.train(count_steps, {"num_steps": 4}, 1) == {"loss": 0.25, "step": 3}


def report_steps(given: Any) -> None:
    for step in range(given["num_steps"]):
        given["report"]({"loss": 1.0 / (step + 1)}, step)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray\\.data")
def test_training_runs_on_ray(ray_cluster: str, tmp_path: Path) -> None:
    executor = RayExecutor.connect(ray_cluster).granted(0.5, 0.0, None, str(tmp_path / "t/k"))
    assert executor.train(report_steps, {"num_steps": 4}, 1) == {"loss": 0.25, "step": 3}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray\\.data")
def test_training_goes_on_from_its_checkpoint_on_ray(ray_cluster: str, tmp_path: Path) -> None:
    executor = RayExecutor.connect(ray_cluster).granted(0.5, 0.0, None, str(tmp_path / "t/k"))
    assert executor.train(count_steps, {"num_steps": 4}, 2) == {"loss": 0.25, "step": 3}
