"""Starts the peers, each with the same network, and says how it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.environments import environment
from benchmarks.serving.bundles import graph
from benchmarks.serving.clients.load import Requests
from benchmarks.serving.servers import Server
from operators.processes.ports import free_ports

HERE: Final = Path(__file__).parent
_RAY: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
Sentences = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Peer:
    """Another server.

    Attributes:
        name: Its name, and that of its lock file.
        start: Starts it, given a folder for its files and log.
        path: Where it is asked.
        body: A request of one sentence.
    """

    name: str
    start: Callable[[Path], Server]
    path: str
    body: Callable[[Sequence[int]], Any]

    def requests(self, server: Server, sentences: Sentences) -> Requests:
        """Requests of one sentence each."""
        bodies = tuple(json.dumps(self.body(each)).encode() for each in sentences)
        return Requests(server.port, self.path, bodies)

    def check(self, server: Server, sentence: Sequence[int], logits: Sequence[float]) -> None:
        """Ask it once.

        Raises:
            RuntimeError: It does not answer the numbers that the network gives.
        """
        found = floats(server.post(self.path, self.body(sentence)))
        if len(found) != len(logits) or not np.allclose(found, logits, atol=1e-5):
            raise RuntimeError(f"{self.name}: expected {logits} for {sentence}, got {found}")


def floats(answer: Any) -> list[float]:
    """All floats of an answer, however it is built, in order."""
    if isinstance(answer, dict):
        answer = [*answer.values()]
    if isinstance(answer, list):
        return [each for part in answer for each in floats(part)]
    return [answer] if isinstance(answer, float) else []


def _script(name: str, ready: str, **env: str) -> Callable[[Path], Server]:
    def start(folder: Path) -> Server:
        (port,) = free_ports(1)
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        command = [environment(name), HERE / f"{name}_server.py", graph("lstm"), str(port)]
        return Server(command, port, ready, folder / f"{name}.log", env, place)

    return start


def _mlserver(folder: Path) -> Server:
    port, *others = free_ports(3)
    settings = {"host": "127.0.0.1", "http_port": port, "parallel_workers": 0, "debug": False}
    settings |= dict(zip(("grpc_port", "metrics_port"), others, strict=True))
    place = folder / "mlserver"
    place.mkdir(parents=True, exist_ok=True)
    (place / "settings.json").write_text(json.dumps(settings))
    model = {"name": "lstm", "implementation": "mlserver_model.Model"}
    (place / "model-settings.json").write_text(json.dumps(model))
    command = [environment("mlserver").with_name("mlserver"), "start", place]
    env = {"MODEL": str(graph("lstm")), "PYTHONPATH": str(HERE)}
    return Server(command, port, "/v2/models/lstm/ready", folder / "mlserver.log", env)


def _bentoml(folder: Path) -> Server:
    (port,) = free_ports(1)
    program = environment("bentoml").with_name("bentoml")
    command = [
        program,
        "serve",
        "bentoml_service:Model",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    env = {
        "MODEL": str(graph("lstm")),
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    return Server(command, port, "/readyz", folder / "bentoml.log", env, HERE)


PEERS: Final = (
    Peer("fastapi", _script("fastapi", "/openapi.json"), "/predict", lambda s: {"words": s}),
    Peer("litserve", _script("litserve", "/health"), "/predict", lambda s: {"words": s}),
    Peer(
        "mlserver",
        _mlserver,
        "/v2/models/lstm/infer",
        lambda s: {
            "inputs": [{"name": "words", "shape": [1, len(s)], "datatype": "INT64", "data": s}]
        },
    ),
    Peer("bentoml", _bentoml, "/predict", lambda s: {"words": s}),
    Peer("rayserve", _script("rayserve", "/-/healthz", **_RAY), "/", lambda s: {"words": s}),
    Peer(
        "mlflow",
        _script("mlflow", "/ping", UVICORN_ACCESS_LOG="false"),
        "/invocations",
        lambda s: {"inputs": {"words": [s]}},
    ),
)
