"""Where the servers of a stack listen: ports of the loopback interface that nobody else has."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import ResourceError

HOST = "127.0.0.1"
# Below Ray's worker ports (10002-19999) begin the usual servers, above 32767 the ports that the
# system gives to outgoing connections.
FREE_PORTS = range(20_000, 32_000)
# Options of the Ray head that name its other ports.
RAY_PORTS = (
    "--port",
    "--ray-client-server-port",
    "--node-manager-port",
    "--object-manager-port",
    "--dashboard-agent-listen-port",
    "--dashboard-agent-grpc-port",
    "--metrics-export-port",
    "--runtime-env-agent-port",
)


@dataclass(frozen=True)
class Ports:
    """Where the servers listen.

    Attributes:
        airflow: UI and API.
        mlflow: UI and API.
        ray: Dashboard and Jobs API.
        ray_inner: Ray's other ports, in the order of `RAY_PORTS`.
        serving: REST of the server of models; 0 where there is none.
        serving_grpc: Its gRPC.
    """

    airflow: int
    mlflow: int
    ray: int
    ray_inner: tuple[int, ...]
    serving: int = 0
    serving_grpc: int = 0

    @classmethod
    def parse(cls, known: Mapping[str, Any]) -> Ports:
        """Take them from a note, which `dataclasses.asdict` made; it may say more.

        Raises:
            KeyError: A port is missing.
            TypeError: It is no such note.
        """
        one_each = {name: known[name] for name in ("airflow", "mlflow", "ray")}
        serving = {name: known.get(name, 0) for name in ("serving", "serving_grpc")}
        return cls(**one_each, **serving, ray_inner=tuple(known["ray_inner"]))

    @classmethod
    def choose(cls, **wished: int) -> Ports:
        """Take the wished ports, by name, where they are free, any free ones otherwise."""
        names = ("airflow", "mlflow", "ray", "serving", "serving_grpc")
        spare = free_ports(len(names) + len(RAY_PORTS))
        chosen = {
            name: wished[name] if name in wished and is_free(wished[name]) else other
            for name, other in zip(names, spare, strict=False)
        }
        return cls(**chosen, ray_inner=tuple(spare[len(names) :]))

    @property
    def airflow_url(self) -> str:
        """Address of Airflow."""
        return f"http://{HOST}:{self.airflow}"

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow."""
        return f"http://{HOST}:{self.mlflow}"

    @property
    def ray_url(self) -> str:
        """Address of Ray's dashboard and Jobs API."""
        return f"http://{HOST}:{self.ray}"

    @property
    def serving_url(self) -> str:
        """Address of the models that are served."""
        return f"http://{HOST}:{self.serving}"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, the same ones if free."""
    ports: list[int] = []
    first = FREE_PORTS.start + os.getpid() * 16 % len(FREE_PORTS)
    for port in [*range(first, FREE_PORTS.stop), *range(FREE_PORTS.start, first)]:
        if len(ports) == count:
            return ports
        if is_free(port):
            ports.append(port)
    raise ResourceError(f"expected {count} free ports in {FREE_PORTS}, found {len(ports)}")


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback interface."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
