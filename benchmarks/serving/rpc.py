"""The same model over gRPC and over REST: CPU of the server a request.

``grpc_ratio``: gRPC's CPU over REST's, the LSTM's 16 words, 16 connections. ``grpc_ratio_100kb``:
the same for 25,000 floats, which REST writes as JSON. Medians of windows that take turns.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Final

import grpc
import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import NUM_SUMS, bundle, place, words
from benchmarks.serving.clients.load import Answers, Requests, closed_loop
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.rpc.tensors import write_tensor
from tasks.serving.types import Arrays

FULL, QUICK = (8.0, 5), (2.0, 1)  # seconds of a window, and rounds
NUM_CONNECTIONS: Final = 16
METHOD: Final = "/tensorflow.serving.PredictionService/Predict"
_SETTLED_S: Final = 3.0


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure both interfaces with small and with large requests."""
    seconds, num_rounds = QUICK if quick else FULL
    for name in ("lstm", "sums"):
        place(bundle(name), folder / name / "1")
    config = {"models": {name: {"folder": str(folder / name)} for name in ("lstm", "sums")}}
    values = np.random.default_rng(0).random((1, NUM_SUMS), np.float32)
    arrays: dict[str, Arrays] = {"lstm": {"words": words(1)}, "sums": {"values": values}}
    ratios: dict[str, list[float]] = {name: [] for name in arrays}
    with ours(folder / "server", config) as server, OwnProcess() as client:
        time.sleep(_SETTLED_S)
        for number in range(-1, num_rounds):
            for name, given in arrays.items():
                rest = _rest_us(client, server, name, given, seconds)
                rpc = _rpc_us(client, server, name, given, seconds)
                if number >= 0:
                    ratios[name].append(rpc / rest)
    return {
        "grpc_ratio": median(ratios["lstm"]),
        "grpc_ratio_100kb": median(ratios["sums"]),
    }


def message(model: str, arrays: Arrays) -> bytes:
    """A ``PredictRequest``."""
    asked = MESSAGES["PredictRequest"]()
    asked.model_spec.name = model
    for name, array in arrays.items():
        write_tensor(array, asked.inputs[name])
    return bytes(asked.SerializeToString())


def rpc_loop(port: int, asked: bytes, num_connections: int, seconds: float) -> Answers:
    """Ask over so many connections, each again as soon as it is answered."""
    found, end_s, lock = Answers(), time.monotonic() + seconds, threading.Lock()

    def client() -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
            call, num = channel.unary_unary(METHOD), 0
            while time.monotonic() < end_s:
                call(asked, timeout=30)
                num += 1
        with lock:
            found.num += num

    threads = [threading.Thread(target=client) for _ in range(num_connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def _rest_us(
    client: OwnProcess, server: Server, name: str, arrays: Arrays, seconds: float
) -> float:
    body = json.dumps({"instances": next(iter(arrays.values())).tolist()}).encode()
    requests = Requests(server.port, f"/v1/models/{name}:predict", (body,))
    begun_s = server.cpu_s()
    answers = client.call(closed_loop, requests, NUM_CONNECTIONS, seconds).value
    return _cost_us(server.cpu_s() - begun_s, answers)


def _rpc_us(client: OwnProcess, server: Server, name: str, arrays: Arrays, seconds: float) -> float:
    asked, begun_s = message(name, arrays), server.cpu_s()
    answers = client.call(rpc_loop, server.grpc_port, asked, NUM_CONNECTIONS, seconds).value
    return _cost_us(server.cpu_s() - begun_s, answers)


def _cost_us(spent_s: float, answers: Answers) -> float:
    if answers.num_failed or not answers.num:
        raise RuntimeError(f"{answers.num_failed} requests failed: {answers.reasons[:3]}")
    return 1e6 * spent_s / answers.num
