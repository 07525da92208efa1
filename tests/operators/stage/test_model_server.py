from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from operators.access import SERVING_TOKEN
from operators.stage.model_server import HttpModelServer
from tasks.core.errors import ResourceError, TransientError


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(418)
        self.send_header("X-Told", self.headers.get("Authorization", "nothing"))
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['x-some']} ".encode() + body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_it_is_asked_with_the_token_of_the_environment(address, monkeypatch):
    monkeypatch.setenv(SERVING_TOKEN, "secret")
    found = HttpModelServer(address).ask("PUT", "/v1/x", b"body", {"x-some": "1"})
    assert (found.status, found.body) == (418, b"/v1/x 1 body")
    assert found.headers["x-told"] == "Bearer secret"
    monkeypatch.delenv(SERVING_TOKEN)
    assert HttpModelServer(address).ask("PUT", "/v1/x", b"").headers["x-told"] == "nothing"


def test_one_that_is_away_may_come_back_and_none_is_none():
    with pytest.raises(TransientError, match=r"can't be reached.*profile's serving_api"):
        HttpModelServer("http://127.0.0.1:9").ask("GET", "/v1/config")
    with pytest.raises(ResourceError, match="set the profile's serving_api"):
        HttpModelServer("").ask("GET", "/v1/config")
