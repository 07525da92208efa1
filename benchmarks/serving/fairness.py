"""Whether models that are all busy get compute by their weights.

``fairness_error``: greatest difference of a model's share of the workers' CPU from the share of its
weight, over the latter. Three models of weights 1, 2 and 3 on one slot, each asked over 8
connections without a pause: LSTMs of 128 and of 1,024 units, and a NASNet, whose batches take from
a few to some tens of milliseconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle, place, words
from benchmarks.serving.clients.load import Requests, closed_loop
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median

FULL, QUICK = (20.0, 5), (5.0, 1)  # seconds of a window, and rounds
WEIGHTS: Final = {"lstm": 1.0, "large": 2.0, "nasnet": 3.0}
_CONNECTIONS: Final = 8
_SETTLED_S: Final = 15.0


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure the shares.

    Args:
        folder: Takes what the server needs.
        quick: Whether the run is short.
    """
    seconds, num_rounds = QUICK if quick else FULL
    errors = []
    with ExitStack() as stack, ours(folder, _config(folder)) as server:
        clients = {name: stack.enter_context(OwnProcess()) for name in WEIGHTS}
        asked = {
            name: Requests(server.port, f"/v1/models/{name}:predict", _bodies(name))
            for name in WEIGHTS
        }
        time.sleep(
            _SETTLED_S
        )  # the spare worker, which starts last, would be taken for one of them
        workers = {name: _worker(server, clients[name], each) for name, each in asked.items()}
        if len(set(workers.values())) < len(WEIGHTS):
            raise RuntimeError("two models seem to have one worker: something else ran beside")
        for _ in range(num_rounds):
            before_s = {name: workers[name].cpu_times() for name in WEIGHTS}
            with ThreadPoolExecutor(len(WEIGHTS)) as pool:
                found = [
                    pool.submit(clients[name].call, closed_loop, asked[name], _CONNECTIONS, seconds)
                    for name in WEIGHTS
                ]
                answers = [each.result().value for each in found]
            if any(each.num_failed for each in answers):
                raise RuntimeError(f"requests failed: {[each.reasons[:2] for each in answers]}")
            used_s = {
                name: sum(workers[name].cpu_times()[:2]) - sum(before_s[name][:2])
                for name in WEIGHTS
            }
            errors.append(error(used_s, WEIGHTS))
    return {"fairness_error": median(errors)}


def error(used: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Greatest difference of a share from that of its weight, over the latter."""
    total, all_weights = sum(used.values()), sum(weights.values())
    wanted = {name: total * each / all_weights for name, each in weights.items()}
    return max(abs(used[name] - each) / each for name, each in wanted.items())


def _config(folder: Path) -> dict[str, Any]:
    models = {}
    for name, weight in WEIGHTS.items():
        place(bundle(name), folder / "models" / name / "1")
        models[name] = {"folder": str(folder / "models" / name), "weight": weight}
    return {"models": models, "limits": {"slots": 1}}


def _bodies(name: str) -> tuple[bytes, ...]:
    items: Any = words(16).tolist()
    if name == "nasnet":
        items = np.random.default_rng(0).random((2, 3, 32, 32)).round(3).tolist()
    return tuple(json.dumps({"instances": [each]}).encode() for each in items)


def _worker(server: Server, client: OwnProcess, requests: Requests) -> Any:
    """The process that computes when a model is asked."""
    before_s = {each: sum(each.cpu_times()[:2]) for each in server.processes()[1:]}
    client.call(closed_loop, requests, 2, 1.0)
    spent_s = {each: sum(each.cpu_times()[:2]) - s for each, s in before_s.items()}
    return max(spent_s, key=spent_s.__getitem__)
