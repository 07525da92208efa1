"""What only the serial executor does; what both do is tested beside Ray's."""

from __future__ import annotations

from pathlib import Path

import pytest
import threadpoolctl

from operators.compute.serial import SerialExecutor
from tasks.core.errors import OrreryError
from tests.support.kernel.training_loops import count_steps


def test_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    executor = SerialExecutor().granted(1.0, 0.0, None, str(tmp_path / "training/k"))
    with pytest.raises(OrreryError, match="cut off"):
        executor.train(count_steps, {"num_steps": 4}, 1)
    assert executor.train(count_steps, {"num_steps": 4}, 1) == {"loss": 0.25, "step": 3}


def test_dask_collection_is_computed_in_this_thread() -> None:
    import dask.array as da

    assert float(SerialExecutor().compute(da.arange(5, chunks=2).sum())) == 10.0


def num_threads() -> set[int]:
    return {each["num_threads"] for each in threadpoolctl.threadpool_info()}


def test_libraries_use_as_many_threads_as_a_call_is_granted(tmp_path: Path) -> None:
    executor = SerialExecutor().granted(1.0, 0.0, None, str(tmp_path))
    assert executor.submit(num_threads).result() == {1}
