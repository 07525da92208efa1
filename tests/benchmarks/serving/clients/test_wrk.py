"""What wrk says is read with all that failed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.serving.clients import wrk
from benchmarks.serving.clients.load import Requests

TOLD = """Running 2s test @ http://127.0.0.1:1
  1 threads and 16 connections
  1234 requests in 2.00s, 180.51KB read
{more}Requests/sec:    617.00
"""


@pytest.mark.parametrize(
    ("more", "num", "num_failed"),
    [
        ("", 1234, 0),
        ("  Non-2xx or 3xx responses: 34\n", 1200, 34),
        ("  Socket errors: connect 0, read 2, write 0, timeout 1\n", 1234, 1),
    ],
)
def test_what_failed_is_told(more, num, num_failed):
    found = wrk.read(TOLD.format(more=more))
    assert (found.num, found.num_failed) == (num, num_failed)
    assert found.reasons == ([more.strip()] if more else [])


@pytest.fixture
def heard() -> Iterator[tuple[int, list[bytes]]]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200 if self.path == "/right" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.handle_error = True, lambda *_: None  # wrk leaves in midst
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(not wrk.PROGRAM, reason="wrk is not installed")
@pytest.mark.parametrize("path", ["/right", "/wrong"])
def test_bodies_are_sent_as_they_are_one_after_the_other(heard, path):
    port, bodies = heard
    sent = tuple(json.dumps({"a": each}).encode() for each in (1, "quotes' \"\\\n", 3))
    found = wrk.closed_loop(Requests(port, path, sent), 2, 1.0)
    assert set(bodies) == set(sent)
    assert (found.num > 10) == (path == "/right")
    assert (found.num_failed > 10) == (path == "/wrong")
