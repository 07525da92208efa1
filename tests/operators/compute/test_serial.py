"""What only the serial executor does; what both do is tested beside Ray's."""

from __future__ import annotations

import threadpoolctl

from operators.compute.serial import SerialExecutor


def rank_and_group(base: int, rank: int) -> tuple[int, bool]:
    import torch.distributed

    return base + rank, torch.distributed.is_initialized()


def test_a_training_is_one_process_whatever_is_granted() -> None:
    executor = SerialExecutor().granted(1.0, num_workers=4)
    assert executor.num_workers == 1
    assert executor.train(rank_and_group, 5).result() == (5, False)


def test_dask_collection_is_computed_in_this_thread() -> None:
    import dask.array as da

    assert float(SerialExecutor().compute(da.arange(5, chunks=2).sum())) == 10.0


def num_threads() -> set[int]:
    return {each["num_threads"] for each in threadpoolctl.threadpool_info()}


def test_libraries_use_as_many_threads_as_a_call_is_granted() -> None:
    executor = SerialExecutor().granted(1.0)
    assert executor.submit(num_threads).result() == {1}
