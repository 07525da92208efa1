"""What tests of whole runs share: waiting, killing, and asking the servers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from operators.items.work import make_item
from operators.processes import marked
from operators.processes.ports import Ports


def mlflow(ports: Ports, path: str, **body: Any) -> Any:
    """Call MLflow's REST API."""
    url = f"{ports.mlflow_url}/api/2.0/mlflow/{path}"
    return (httpx.post(url, json=body) if body else httpx.get(url)).raise_for_status().json()


def children(ports: Ports, run_id: str) -> list[Any]:
    """MLflow runs right below a run."""
    run = mlflow(ports, f"runs/get?run_id={run_id}")["run"]
    found = mlflow(
        ports,
        "runs/search",
        experiment_ids=[run["info"]["experiment_id"]],
        filter=f"tags.`mlflow.parentRunId` = '{run_id}'",
    )
    return list(found.get("runs", []))


def metrics_of(run: Any) -> dict[str, float]:
    """Last values of a run's metrics."""
    return {each["key"]: each["value"] for each in run["data"]["metrics"]}


def drivers(stage: str) -> list[psutil.Process]:
    """Drivers of a stage that run now on this session's cluster."""
    mine = marked.members(f"tests-{os.getpid()}")
    found = [p for p in mine if stage in words(p)]
    return [p for p in found if Path(words(p).split()[0]).name not in {"sh", "bash"}]


def words(process: psutil.Process) -> str:
    """Command line of a process; a dash where it has ended."""
    try:
        return " ".join(process.cmdline()) or "-"
    except psutil.Error:
        return "-"


def until(is_so: Callable[[], Any], limit_s: float = 200.0) -> None:
    """Wait until something is so."""
    end_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Do something in another thread while the block runs."""
    thread = threading.Thread(target=action)
    thread.start()
    yield
    thread.join()


def no_item_is_made() -> bool:
    """Whether no worker of this process's Ray makes an item, even for a driver that is gone."""
    lines = [words(process) for process in psutil.Process().children(recursive=True)]
    return not any(line.startswith(f"ray::{make_item.__name__}") for line in lines)


def end_idle_workers() -> None:
    """End the workers of this process's Ray that do nothing; others start when they are needed."""
    ours = psutil.Process().children(recursive=True)
    idle = [process for process in ours if words(process).startswith("ray::IDLE")]
    for process in idle:
        process.kill()
    psutil.wait_procs(idle, timeout=30)
