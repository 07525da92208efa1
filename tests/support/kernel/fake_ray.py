"""A stand-in for Ray's Jobs API: the calls of `operators.compute.ray_jobs` on a loopback port."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeRay:
    """The jobs of one cluster, which a test reads and changes.

    Attributes:
        jobs: Details by submission id, as the API gives them.
        logs: What each job has printed.
        num_logs_read: How often a log was asked for.
        token: What a caller must show; nothing if empty.
        is_broken: Answer every call with 500.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.num_logs_read = 0
        self.token = ""
        self.is_broken = False
        self.address = ""

    def add(self, job_id: str, state: str = "RUNNING", log: str = "", **details: Any) -> None:
        metadata = {"word": "secret"}
        self.jobs[job_id] = {
            "submission_id": job_id, "status": state, "metadata": metadata, **details
        }  # fmt: skip
        self.logs[job_id] = log

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self.is_broken:
            return 500, "broken"
        parts = path.strip("/").split("/")[2:]
        if method == "POST" and not parts:
            return self._submit(body)
        if not parts:
            return 200, list(self.jobs.values())
        job = self.jobs.get(parts[0])
        if job is None:
            return 404, "no such job"
        if parts[1:] == ["logs"]:
            self.num_logs_read += 1
            return 200, {"logs": self.logs[parts[0]]}
        if parts[1:] == ["stop"]:
            job["status"] = "STOPPED"
            return 200, {"stopped": True}
        return 200, job

    def _submit(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["submission_id"] in self.jobs:
            return 500, "Traceback\nValueError: Job with submission_id x already exists."
        self.add(body["submission_id"], "PENDING", **body)
        return 200, {"submission_id": body["submission_id"]}


@contextmanager
def fake_ray(tls: ssl.SSLContext | None = None) -> Iterator[FakeRay]:
    """Serve a `FakeRay` as long as the block runs, over TLS where there is a context for it."""
    fake = FakeRay()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def handle(self) -> None:
            # a client that does not believe the certificate hangs up
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, method: str) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
                status, value = 401, "no token"
            else:
                status, value = fake.answer(method, self.path, body)
            data = (value if isinstance(value, str) else json.dumps(value)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.address = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
