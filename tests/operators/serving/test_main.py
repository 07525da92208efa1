"""The server as it is started: asked, told to end while it answers, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from operators.installation import PROFILE, ROOT
from tests.support.serving.faulty_bundles import faulty

COMMAND = (sys.executable, "-m", "operators.serving", "--rest-port=0", "--grpc-port=0")


@dataclass
class Server:
    """A server that was started, and what it printed."""

    process: subprocess.Popen[str]
    rest: str = ""
    grpc: str = ""

    def predict(self, value: float = 1.0) -> httpx.Response:
        url = f"{self.rest}/v1/models/m:predict"
        return httpx.post(url, json={"instances": [[value, value]]}, timeout=20)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Server]:
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as it:
        server = Server(it)
        try:
            for line in it.stdout or ():
                if found := re.match(r"REST\s+(\S+)/v1/models/NAME", line):
                    server.rest = found[1]
                if found := re.match(r"gRPC\s+(\S+)", line):
                    server.grpc = found[1]
                    break
            threading.Thread(target=lambda: list(it.stdout or ()), daemon=True).start()
            until_s = time.monotonic() + 30
            while httpx.get(f"{server.rest}/readyz").is_error and time.monotonic() < until_s:
                time.sleep(0.05)
            yield server
        finally:
            it.kill()


def said(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_it_answers_and_when_it_is_told_to_end_answers_who_waits_and_leaves_nothing(tmp_path):
    faulty(tmp_path / "m/1", sleep_s=0.4, golden_factor=None)
    found: list[httpx.Response] = []
    with started("--models", str(tmp_path)) as server:
        assert server.predict(3).json() == {"predictions": [[6.0, 6.0]]}
        host, _, port = server.grpc.rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        workers = server.workers()
        assert len(workers) >= 1
        waits = threading.Thread(target=lambda: found.append(server.predict(4)))
        waits.start()
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        waits.join()
        assert server.process.wait(20) == 0
        assert found[0].json() == {"predictions": [[8.0, 8.0]]}
        assert psutil.wait_procs(workers, 5)[1] == []


def test_a_server_that_is_killed_takes_its_workers_along(tmp_path):
    faulty(tmp_path / "m/1")
    with started("--models", str(tmp_path)) as server:
        workers = server.workers()
        server.process.kill()
        assert psutil.wait_procs(workers, 5)[1] == []


def test_a_port_that_is_taken_is_replaced_by_a_free_one(tmp_path):
    faulty(tmp_path / "m/1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("--models", str(tmp_path), f"--rest-port={port}") as server:
            assert not server.rest.endswith(f":{port}")
            assert server.predict().is_success


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"models": {"m": {"folder": "/x", "flavour": 1}}}, "flavour"),
        ({"models": {"m": {"folder": "/x", "registry": "y"}}}, "either a folder or a name"),
    ],
)
def test_settings_that_are_wrong_are_refused_at_the_start(given: Any, reason: str, tmp_path: Path):
    (tmp_path / "serving.yaml").write_text(json.dumps(given))
    code, told = said("--config", str(tmp_path / "serving.yaml"))
    assert code == 1
    assert reason in told


def test_a_server_that_began_without_models_takes_one_of_the_registry(tmp_path: Path):
    config, profile = tmp_path / "serving.yaml", tmp_path / "profile.yaml"
    config.write_text("limits: {poll_s: 0.1}")
    profile.write_text("tracking_uri: http://127.0.0.1:9")  # where nobody is: it goes on without
    with started("--config", str(config), **{PROFILE: str(profile)}) as server:
        config.write_text("models: {photos: {registry: photos}}")
        until_s = time.monotonic() + 20
        while not httpx.get(f"{server.rest}/v1/config").json()["models"]:
            assert time.monotonic() < until_s
            time.sleep(0.05)


def test_a_folder_without_models_is_refused(tmp_path):
    code, told = said("--models", str(tmp_path))
    assert code == 1
    assert "cells/1/bundle.json" in told
