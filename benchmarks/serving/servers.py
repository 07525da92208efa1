"""Servers under measurement: started on a free port, paused between their turns, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from operators.installation import ROOT
from operators.processes.ports import free_ports

_UP_S = 120.0
TOKEN = "benchmark"  # noqa: S105 - of servers that only this process knows


@dataclass(frozen=True)
class Memory:
    """Proportional share of memory (PSS), in MB: pages that processes share are divided.

    Attributes:
        ingress_mb: Of the server's first process.
        workers_mb: Of each of the others.
    """

    ingress_mb: float
    workers_mb: tuple[float, ...]


class Server:
    """A server that was started."""

    def __init__(
        self,
        command: Sequence[object],
        port: int,
        ready: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        grpc_port: int = 0,
    ) -> None:
        """Start it and wait until it answers.

        Args:
            command: Program and arguments.
            port: Where it will listen.
            ready: Path that answers 200 once it is ready.
            log: Takes what it prints.
            env: Its environment, beside this one's.
            folder: Where it runs.
            grpc_port: Where it will listen for gRPC, if it does.

        Raises:
            RuntimeError: It ends, or does not answer in time.
        """
        self.port, self.grpc_port = port, grpc_port
        log.parent.mkdir(parents=True, exist_ok=True)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False)
        begun_s = time.monotonic()
        with log.open("wb") as output:
            self._process = psutil.Popen(
                [str(each) for each in command],
                env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while not self.answers(ready):
            if self._process.poll() is not None or time.monotonic() - begun_s > _UP_S:
                self.end()
                raise RuntimeError(f"{command[0]} does not answer: {log.read_text()[-3000:]}")
            time.sleep(0.01)
        self.start_s = time.monotonic() - begun_s

    def answers(self, path: str) -> bool:
        """Whether a path answers with success."""
        try:
            return self._http.get(path).is_success
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> Any:
        """JSON that a path answers with."""
        return self._http.get(path).json()

    def post(self, path: str, asked: Any) -> Any:
        """JSON that a path answers JSON with."""
        return self._http.post(path, json=asked).raise_for_status().json()

    def configure(self, config: Mapping[str, Any]) -> None:
        """Give it other settings."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self._http.post("/v1/config", json=config, headers=headers).raise_for_status()

    def version_of(self, path: str, body: bytes) -> int:
        """Version that answers a request."""
        return int(self._http.post(path, content=body).headers["x-model-version"])

    def cpu_s(self) -> float:
        """User and system seconds of all its processes."""
        return sum(sum(each.cpu_times()[:2]) for each in self.processes())

    def ingress_cpu_s(self) -> float:
        """Those of its first process alone."""
        return float(sum(self._process.cpu_times()[:2]))

    def processes(self) -> list[psutil.Process]:
        """Its processes, the first one first."""
        return [self._process, *self._process.children(recursive=True)]

    def memory(self) -> Memory:
        """Memory of its processes."""
        first, *others = [each.memory_full_info().pss / 1e6 for each in self.processes()]
        return Memory(first, tuple(others))

    def resident_mb(self) -> float:
        """Resident memory of its first process."""
        return float(self._process.memory_info().rss / 1e6)

    def pause(self) -> None:
        """Stop all its processes: it takes nothing while others are measured."""
        for each in self.processes():
            each.suspend()

    def go_on(self) -> None:
        """Let them go on."""
        for each in self.processes():
            each.resume()

    def end(self) -> None:
        """End it with all its processes."""
        self._http.close()
        found = self.processes() if self._process.is_running() else []
        for each in found:
            each.resume()
        with suppress(psutil.NoSuchProcess):  # it has ended by itself
            self._process.terminate()
        _, left = psutil.wait_procs(found, 20)
        for each in left:
            each.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def ours(folder: Path, config: Mapping[str, Any]) -> Server:
    """Our server with these settings, all its models loaded.

    Args:
        folder: Takes the file of the settings, and the log.
        config: The settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "serving.yaml"
    file.write_text(json.dumps(config))
    port, grpc_port = free_ports(2)
    command = [
        *(sys.executable, "-m", "operators.serving", f"--config={file}"),
        *(f"--rest-port={port}", f"--grpc-port={grpc_port}"),
    ]
    env = {"ORRERY_SERVING_TOKEN": TOKEN, "ORRERY_STATE": str(folder / "state")}
    return Server(command, port, "/readyz", folder / "serving.log", env, grpc_port=grpc_port)
