"""The same work as a bare Ray script: what it takes without Airflow, MLflow, store and keys."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence

from benchmarks.platform.work import NUM_ITEMS, NUM_STAGES, burn


def on_ray(values: Sequence[str]) -> list[str]:
    """Do the items of one stage on the Ray that this process is connected to."""
    import ray

    remote = ray.remote(burn)
    return [str(each) for each in ray.get([remote.remote(value) for value in values])]


def stage_on_a_ray_of_its_own(values: Sequence[str]) -> list[str]:
    """Start a Ray, do the items of one stage, and end it."""
    import ray

    ray.init(
        address="local", num_cpus=NUM_ITEMS, include_dashboard=False, logging_level=logging.WARNING
    )
    try:
        return on_ray(values)
    finally:
        ray.shutdown()


def main() -> int:
    """Do all stages on one Ray; prints how long the work alone took, on warm workers."""
    import ray

    ray.init(
        address="local", num_cpus=NUM_ITEMS, include_dashboard=False, logging_level=logging.WARNING
    )
    values = on_ray([f"{index}" for index in range(NUM_ITEMS)])  # warms the workers up
    begun_s = time.monotonic()
    for _ in range(NUM_STAGES):
        values = on_ray(values)
    work_s = time.monotonic() - begun_s
    ray.shutdown()
    print(json.dumps({"work_s": work_s}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
