"""Versions swapped under load: who was failed, how long it took, what is left behind.

``swaps``: how many, at 60 requests a second, each of a version that is loaded for it and unloaded
after the next; between them there is time to warm the next worker. ``swaps_failed``: requests with
another status than 200, or an answer that the version which it names does not give. ``swap_s``:
from when a version appears in its folder to the first answer by it. ``rollback_ms``: from the
request that moves a label to a version that is kept warm to the first answer by it.
``rss_slope_mb``: growth of the ingress' resident memory in 100 swaps, by a straight line through
it after each. ``swaps_left``: descriptors of the ingress and processes more than before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle, place, words
from benchmarks.serving.clients.load import Answers, Expected, Requests, open_loop
from benchmarks.serving.cpu import PATH, bodies
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from tasks.bundle.folders import read_manifest
from tasks.bundle.runtimes import Servable
from tasks.core.models import BUNDLE_FILE

FULL, QUICK = 1000, 10
FULL_ROLLBACKS, QUICK_ROLLBACKS = 100, 5
PER_S: Final = 60.0
_POLL_S, _PATIENCE_S, _SETTLED_S = 0.02, 60.0, 3.0
_PAUSE_S: Final = 0.7
_SECONDS_A_PART: Final = 20.0


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure swaps and rollbacks."""
    sentence = words(1, seed=7).tolist()
    with OwnProcess() as client:
        swapped = _swaps(folder / "swaps", client, sentence, QUICK if quick else FULL)
        num = QUICK_ROLLBACKS if quick else FULL_ROLLBACKS
        return swapped | _rollbacks(folder / "rollbacks", client, sentence, num)


def expected(sentence: Sequence[Sequence[int]]) -> Expected:
    """What both versions answer, asked without a server; version 2 stands for all even ones."""
    found = []
    for version in (2, 1):
        place_ = bundle("lstm", version)
        servable = Servable(place_, read_manifest(place_), "onnx")
        found.append(servable.ask("predict", {"words": np.array(sentence)})["logits"][0].tolist())
    return Expected((found[0], found[1]))


def _swaps(
    folder: Path, client: OwnProcess, sentence: Sequence[Sequence[int]], num_swaps: int
) -> dict[str, Figure]:
    models = folder / "lstm"
    place(bundle("lstm", 1), models / "1")
    config = {
        "models": {"lstm": {"folder": str(models), "keep_previous": 0}},
        "limits": {"poll_s": _POLL_S},
    }
    taken_s, memory_mb, answers = [], [], Answers()
    with ours(folder, config) as server:
        requests = Requests(server.port, PATH, bodies(sentence))
        time.sleep(_SETTLED_S)
        before = _size(server)
        load = None
        for number in range(2, num_swaps + 2):
            if load is None or load.done():
                _gather(answers, load)
                load = client.submit(
                    open_loop, requests, PER_S, _SECONDS_A_PART, expected(sentence)
                )
            taken_s.append(_swap(server, requests, models, number))
            memory_mb.append(server.resident_mb())
        _gather(answers, load)
        time.sleep(_SETTLED_S)
        left = sum(max(0, now - then) for now, then in zip(_size(server), before, strict=True))
    for reason in answers.reasons[:5]:
        print(reason)
    slope_mb = 100 * float(np.polyfit(np.arange(num_swaps), memory_mb, 1)[0])
    return {
        "swaps": Figure(value=num_swaps, unit="", interval=None),
        "swaps_asked": Figure(value=answers.num, unit="", interval=None),
        "swaps_failed": Figure(value=answers.num_failed, unit="", interval=None),
        "swap_s": median(taken_s, "s"),
        "rss_slope_mb": Figure(value=slope_mb, unit="MB", interval=None),
        "swaps_left": Figure(value=left, unit="", interval=None),
    }


def _swap(server: Server, requests: Requests, models: Path, number: int) -> float:
    """Let a version appear and the one before it go; seconds to the first answer by it."""
    place(bundle("lstm", 2 - number % 2), models / str(number))
    begun_s = time.monotonic()
    taken_s = _wait_for(server, requests, number) - begun_s
    old = models / str(number - 1)
    (old / BUNDLE_FILE).unlink()
    for path in sorted(old.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    old.rmdir()
    time.sleep(_PAUSE_S)
    return taken_s


def _wait_for(server: Server, requests: Requests, version: int) -> float:
    """Ask until a version answers; when that was.

    Raises:
        RuntimeError: It does not.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        if server.version_of(requests.path, requests.bodies[0]) == version:
            return time.monotonic()
        time.sleep(0.001)
    raise RuntimeError(f"version {version} does not answer: {server.get('/v1/models/lstm')}")


def _rollbacks(
    folder: Path, client: OwnProcess, sentence: Sequence[Sequence[int]], num: int
) -> dict[str, Figure]:
    for version in (1, 2):
        place(bundle("lstm", version), folder / "lstm" / str(version))

    def config(version: int) -> dict[str, Any]:
        model = {"folder": str(folder / "lstm"), "policy": {"all": True}}
        model |= {"labels": {"stable": version}, "default_label": "stable"}
        return {"models": {"lstm": model}}

    taken_ms = []
    with ours(folder, config(1)) as server:
        requests = Requests(server.port, PATH, bodies(sentence))
        while len([*server.get("/v1/models/lstm")["model_version_status"]]) < 2:
            time.sleep(0.05)
        _wait_for(server, requests, 1)
        time.sleep(_SETTLED_S)
        load = client.submit(open_loop, requests, PER_S, 0.1 * num + 1, expected(sentence))
        for number in range(num):
            begun_s = time.monotonic()
            server.configure(config(2 - number % 2))
            taken_ms.append(1e3 * (_wait_for(server, requests, 2 - number % 2) - begun_s))
            time.sleep(0.05)
        answers = load.result().value
    return {
        "rollback_ms": median(taken_ms, "ms"),
        "rollbacks_failed": Figure(value=answers.num_failed, unit="", interval=None),
    }


def _gather(answers: Answers, load: Any) -> None:
    if load is not None:
        found: Answers = load.result().value
        answers.num += found.num
        answers.num_failed += found.num_failed
        answers.reasons += found.reasons


def _size(server: Server) -> tuple[int, int]:
    """Processes of a server, and descriptors of its first."""
    first, *others = server.processes()
    return 1 + len(others), first.num_fds()
