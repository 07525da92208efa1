"""Computes Dask collections on Ray's workers: the one door for Dask's scheduler."""

from __future__ import annotations

from typing import Any

import dask
import dask.base
from ray.util.dask import ray_dask_get


def compute(collection: Any, num_cpus: float) -> Any:
    """Compute a Dask collection; each of its tasks becomes a Ray task.

    Args:
        collection: A ``dask.array``, ``dask.dataframe`` or delayed value.
        num_cpus: CPUs that one task of the graph uses.
    """
    # shuffling through a local disk would need one that all nodes share
    with dask.config.set({"dataframe.shuffle.method": "tasks"}):
        return dask.base.compute(
            collection, scheduler=ray_dask_get, ray_remote_args={"num_cpus": num_cpus}
        )[0]
