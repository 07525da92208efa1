"""What the load of one model does to the answers of another.

``load_p99_ratio``: p99 of model A at 60 requests a second, from when each was due, while model B
of more than 50 MB is loaded every second, over its p99 in the quiet windows beside; the median of
all pairs of windows. ``load_p99_ratio_in_process``: the same where B is loaded on a thread of the
process that answers for A, which a usual server does (`in_process`). ``load_p99_quiet_ms``: ours
while nothing is loaded. ``benchmarks/results/serving_loading.png`` shows both, second by second.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import FOLDER, bundle, graph, place, words
from benchmarks.serving.clients.load import Answers, Requests, open_loop
from benchmarks.serving.cpu import PATH, bodies
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from operators.processes.ports import free_ports
from tasks.report.plots import COLOURS, GRID_COLOUR, label, new_figure, png

FULL, QUICK = (8.0, 5), (3.0, 1)  # seconds of a window, and pairs of them: 20 loads and more
PICTURE: Final = FOLDER / "loading.png"
PER_S: Final = 60.0
_BETWEEN_S: Final = 1.0
_SETTLED_S: Final = 3.0
_CONTROL = Path(__file__).with_name("in_process.py")


@dataclass
class Windows:
    """What was answered in turn while nothing was loaded and while B was.

    Attributes:
        quiet: Answers of each quiet window.
        loading: Answers of the window after it.
        num_loads: How often B was loaded.
    """

    quiet: list[Answers] = field(default_factory=list)
    loading: list[Answers] = field(default_factory=list)
    num_loads: int = 0

    def ratios(self) -> list[float]:
        """p99 while B is loaded over the quiet one, of each pair."""
        pairs = zip(self.loading, self.quiet, strict=True)
        return [p99_ms(loading) / p99_ms(quiet) for loading, quiet in pairs]


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure ours, and the control; of a full run the picture is kept."""
    bundle("large")
    with OwnProcess() as client:
        isolated = _isolated(folder, client, quick=quick)
        in_process = _in_process(folder, client, quick=quick)
    found = {"on a thread of the server": in_process, "in a process of its own": isolated}
    (folder / PICTURE.name if quick else PICTURE).write_bytes(plot(found))
    return {
        "load_p99_ratio": median(isolated.ratios()),
        "load_p99_ratio_in_process": median(in_process.ratios()),
        "load_p99_quiet_ms": median([p99_ms(each) for each in isolated.quiet], "ms"),
    }


def p99_ms(answers: Answers) -> float:
    """99th percentile of latencies."""
    return 1e3 * float(np.percentile(answers.latency_s, 99))


def p99s_ms(answers: Answers) -> list[float]:
    """That of the requests that were due in each second of a window."""
    second = np.floor(np.array(answers.due_s) - min(answers.due_s))
    latency_s = np.array(answers.latency_s)
    return [1e3 * float(np.percentile(latency_s[second == k], 99)) for k in np.unique(second)]


def plot(found: Mapping[str, Windows]) -> bytes:
    """Draw the p99 of each second, a panel for each way to load; grey is where B was loaded."""
    figure, panels = new_figure(3.6, columns=len(found))
    for axes, (how, windows), colour in zip(panels, found.items(), COLOURS, strict=False):
        axes.sharey(panels[0])
        begin = 0
        for pair in zip(windows.quiet, windows.loading, strict=True):
            for answers in pair:
                tops_ms = p99s_ms(answers)
                end = begin + len(tops_ms)
                if answers is pair[1]:
                    axes.axvspan(begin, end, color=GRID_COLOUR, linewidth=0)
                axes.plot(np.arange(begin, end) + 0.5, tops_ms, "o", color=colour, markersize=3)
                begin = end
        label(axes, f"B loaded {windows.num_loads} times {how}", "seconds", "p99 of A, ms")
        axes.set_yscale("log")
        axes.grid(visible=False, axis="x")
    return png(figure)


def _isolated(folder: Path, client: OwnProcess, *, quick: bool) -> Windows:
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


def _in_process(folder: Path, client: OwnProcess, *, quick: bool) -> Windows:
    (port,) = free_ports(1)
    command = [sys.executable, _CONTROL, graph("lstm"), graph("large"), str(port)]
    with Server(command, port, "/", folder / "control.log") as server:
        return _pairs(server, "/predict", client, lambda: server.answers("/load"), quick=quick)


def _pairs(
    server: Server, path: str, client: OwnProcess, load_once: Callable[[], object], *, quick: bool
) -> Windows:
    seconds, num_pairs = QUICK if quick else FULL
    requests = Requests(server.port, path, bodies(words(16).tolist()))
    time.sleep(_SETTLED_S)
    _asked(client, requests, 2.0)  # warm
    found = Windows()

    def load_on(over: threading.Event) -> None:
        while not over.is_set():
            load_once()
            found.num_loads += 1
            over.wait(_BETWEEN_S)

    for _ in range(num_pairs):
        found.quiet.append(_asked(client, requests, seconds))
        over = threading.Event()
        loads = threading.Thread(target=load_on, args=(over,))
        loads.start()
        found.loading.append(_asked(client, requests, seconds))
        over.set()
        loads.join()
        time.sleep(_BETWEEN_S)
    return found


def _asked(client: OwnProcess, requests: Requests, seconds: float) -> Answers:
    answers = client.call(open_loop, requests, PER_S, seconds).value
    if answers.num_failed:
        raise RuntimeError(f"{answers.num_failed} requests failed: {answers.reasons[:3]}")
    return answers
