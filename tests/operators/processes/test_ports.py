"""Ports of the loopback interface."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict

import pytest

from operators.processes.marked import answers
from operators.processes.ports import RAY_PORTS, Ports, free_ports, is_free


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(is_free(port) for port in ports)
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports[0]))
        server.listen()
        assert not is_free(ports[0])
        assert ports[0] not in free_ports(5)
        assert not answers(f"http://127.0.0.1:{free_ports(1)[0]}")


def test_wished_ports_are_taken_where_they_are_free() -> None:
    (free,) = free_ports(1)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        ports = Ports.choose(airflow=free, mlflow=server.getsockname()[1])
        assert ports.airflow == free
        assert ports.mlflow != server.getsockname()[1]
    assert ports.airflow_url == f"http://127.0.0.1:{free}"
    assert len(ports.ray_inner) == len(RAY_PORTS)


def test_ports_come_back_from_a_note_that_may_say_more() -> None:
    ports = Ports(1, 2, 3, (4, 5))
    noted = json.loads(json.dumps(asdict(ports)))
    assert Ports.parse({**noted, "database": "SQLite"}) == ports
    with pytest.raises(KeyError):
        Ports.parse({"airflow": 1})
