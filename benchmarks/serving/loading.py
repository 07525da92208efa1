"""What the load of one model does to the answers of another.

``load_p99_ratio``: p99 of model A at 60 requests a second, from when each was due, while model B
of more than 50 MB is loaded every second, over its p99 in the quiet windows beside; the median of
all pairs of windows. ``load_p99_ratio_in_process``: the same where B is loaded on a thread of the
process that answers for A, which a usual server does (`in_process`). ``load_p99_quiet_ms``: ours
while nothing is loaded.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle, graph, place, words
from benchmarks.serving.cpu import PATH, bodies
from benchmarks.serving.load import Requests, open_loop
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from operators.processes.ports import free_ports

FULL, QUICK = (8.0, 5), (3.0, 1)  # seconds of a window, and pairs of them
PER_S: Final = 60.0
_BETWEEN_S: Final = 1.0
_SETTLED_S: Final = 3.0
_CONTROL = Path(__file__).with_name("in_process.py")


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure ours, and the control."""
    bundle("large")
    with OwnProcess() as client:
        isolated, quiet_ms = _isolated(folder, client, quick=quick)
        in_process, _ = _in_process(folder, client, quick=quick)
    return {
        "load_p99_ratio": median(isolated),
        "load_p99_ratio_in_process": median(in_process),
        "load_p99_quiet_ms": median(quiet_ms, "ms"),
    }


def _isolated(folder: Path, client: OwnProcess, *, quick: bool) -> tuple[list[float], list[float]]:
    place(bundle("lstm"), folder / "lstm" / "1")
    (folder / "large").mkdir()
    names = ("lstm", "large")
    models = {name: {"folder": str(folder / name), "keep_previous": 0} for name in names}
    config = {"models": {"lstm": models["lstm"]}, "limits": {"poll_s": 0.1, "drain_s": 0.1}}
    with ours(folder / "ours", config) as server:
        server.configure(config | {"models": models})
        num = 0

        def load_once() -> None:
            nonlocal num
            num += 1
            shutil.rmtree(folder / "large" / str(num - 1), ignore_errors=True)
            place(bundle("large"), folder / "large" / str(num))

        return _pairs(server, PATH, client, load_once, quick=quick)


def _in_process(
    folder: Path, client: OwnProcess, *, quick: bool
) -> tuple[list[float], list[float]]:
    (port,) = free_ports(1)
    command = [sys.executable, _CONTROL, graph("lstm"), graph("large"), str(port)]
    with Server(command, port, "/", folder / "control.log") as server:
        return _pairs(server, "/predict", client, lambda: server.answers("/load"), quick=quick)


def _pairs(
    server: Server, path: str, client: OwnProcess, load_once: Callable[[], object], *, quick: bool
) -> tuple[list[float], list[float]]:
    """Ratio of p99 of each pair of windows, loading over quiet; and the quiet ones in ms."""
    seconds, num_pairs = QUICK if quick else FULL
    requests = Requests(server.port, path, bodies(words(16).tolist()))
    time.sleep(_SETTLED_S)
    _p99_ms(client, requests, 2.0)  # warm
    ratios, quiet_ms = [], []
    for _ in range(num_pairs):
        quiet = _p99_ms(client, requests, seconds)
        over = threading.Event()
        loads = threading.Thread(target=_load_on, args=(load_once, over))
        loads.start()
        loading = _p99_ms(client, requests, seconds)
        over.set()
        loads.join()
        time.sleep(_BETWEEN_S)
        ratios.append(loading / quiet)
        quiet_ms.append(quiet)
    return ratios, quiet_ms


def _load_on(load_once: Callable[[], object], over: threading.Event) -> None:
    while not over.is_set():
        load_once()
        over.wait(_BETWEEN_S)


def _p99_ms(client: OwnProcess, requests: Requests, seconds: float) -> float:
    answers = client.call(open_loop, requests, PER_S, seconds).value
    if answers.num_failed:
        raise RuntimeError(f"{answers.num_failed} requests failed: {answers.reasons[:3]}")
    return 1e3 * float(np.percentile(answers.latency_s, 99))
