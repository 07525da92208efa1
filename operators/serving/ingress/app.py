"""The REST interface as a raw ASGI application: no framework, no validation twice.

Addresses are TensorFlow Serving's, and: ``/healthz`` (the process lives), ``/readyz`` (each model
has a version that answers), ``/metrics`` and ``/monitoring/prometheus/metrics``, and
``/v1/config``, whose ``GET`` shows the settings in force and whose ``POST`` replaces them, by a
token. ``/v1/models/NAME/release`` is how releases route a model (``PUT``, by the token), ``/`` the
page for people, and ``/v2`` the Open Inference Protocol (`tasks.serving.oip`).

A request may name its client (``x-request-key``) for splits, and say how long it waits
(``x-request-timeout-ms``); an answer says which version gave it (``x-model-version``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST

from operators.serving.ingress.connections import GONE
from operators.serving.models.serving import Serving
from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.params import parse_config
from tasks.serving.access import check_token
from tasks.serving.config import ServingConfig
from tasks.serving.oip.infer import HEADER, OipCall
from tasks.serving.oip.pages import page_of
from tasks.serving.oip.paths import CHANGES, OipAddress
from tasks.serving.oip.paths import parse_path as oip_path
from tasks.serving.release.record import read_asked
from tasks.serving.rest.answers import HTTP_STATUS, write_error, write_metadata, write_status
from tasks.serving.rest.bodies import unpack
from tasks.serving.rest.calls import Codecs, RestCall
from tasks.serving.rest.headers import wait_s
from tasks.serving.rest.paths import Address, parse_path
from tasks.serving.status.standing import standing_of
from tasks.serving.traffic.answering import Answering
from tasks.serving.types import Call, Code, RequestError

Scope = MutableMapping[str, Any]
Headers = Mapping[bytes, bytes]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_MB: Final = 1_000_000
_TOO_LARGE: Final = 413
_DISCARD_S: Final = 2.0
_JSON: Final = (b"content-type", b"application/json")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_METRICS: Final = (b"content-type", CONTENT_TYPE_LATEST.encode())
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_BYTES: Final = (b"content-type", b"application/octet-stream")
_CLOSE: Final = (b"connection", b"close")
_GONE: Final = "the client has gone"  # and reads no answer
_INFER: Final = ("predict", "classify", "regress")


class _Response(NamedTuple):
    """What is sent back."""

    body: bytes
    status: int = 200
    kind: tuple[bytes, bytes] = _JSON
    version: int | None = None
    more: tuple[tuple[bytes, bytes], ...] = ()


class _RefusedError(Exception):
    """A request that HTTP has a status of its own for."""

    def __init__(self, status: int, message: str, closes: bool = False) -> None:
        super().__init__(message)
        self.status, self.closes = status, closes


class App:
    """The application."""

    def __init__(
        self, serving: Serving, answering: Answering, token: str, links: Mapping[str, str]
    ) -> None:
        """Answer requests.

        Args:
            serving: The models.
            answering: Has requests answered by them.
            token: What whoever changes settings must show; empty if nobody may.
            links: Addresses of other servers, by name.
        """
        self._serving, self._answering, self._token = serving, answering, token
        self._links = links
        self._codecs = Codecs()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers, closes = dict(scope["headers"]), False
        try:
            found = await self._answer(scope, headers, receive)
        except RequestError as error:
            found = _Response(write_error(error.message), HTTP_STATUS[error.code])
        except _RefusedError as error:
            found, closes = _Response(write_error(str(error)), error.status), error.closes
            if closes and error.status == _TOO_LARGE and b"expect" not in headers:
                await _discard(receive)
        told = [found.kind, (b"content-length", b"%d" % len(found.body)), *found.more]
        if found.version is not None:
            told.append((b"x-model-version", b"%d" % found.version))
        if closes:
            told.append(_CLOSE)
        await send({"type": "http.response.start", "status": found.status, "headers": told})
        await send({"type": "http.response.body", "body": found.body})

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> _Response:
        method, path = scope["method"], scope["path"]
        if path.startswith("/v2"):
            return await self._oip(oip_path(method, path), scope, headers, receive)
        if not path.startswith("/v1/models"):
            return await self._page(scope, headers, receive)
        address = parse_path(method, path)
        if address.verb == "release":
            return await self._release(address.model, method, headers, receive)
        if address.verb not in _INFER:
            return _Response(self._tell(address))
        body = await self._body(headers, receive)
        return await self._ask(RestCall(address, body, self._codecs), body, scope, headers)

    async def _ask(self, call: Call, body: bytes, scope: Scope, headers: Headers) -> _Response:
        """Have a model asked; who goes away takes the question back."""
        key = headers.get(b"x-request-key", body)
        asked = self._answering.begin(call, "rest", key, wait_s(headers))
        pending = scope.get(GONE, set())
        pending.add(asked.future)
        with contextlib.suppress(Exception, asyncio.CancelledError):  # `end` knows which
            await asked.future
        pending.discard(asked.future)
        asked.future.cancel()
        reply = self._answering.end(asked)
        return _Response(reply.body, version=reply.version)

    def _tell(self, address: Address) -> bytes:
        """Status or metadata of a model."""
        model = self._serving.model(address.model)
        if address.verb == "status":
            return write_status(model.status(address.version, address.label))
        target = model.target(address.version, address.label, b"")
        return write_metadata(target.model, target.version, target.bundle)

    async def _release(
        self, name: str, method: str, headers: Headers, receive: Receive
    ) -> _Response:
        """How a model is routed; or let a release route it."""
        model = self._serving.model(name)
        if method == "PUT":
            self._check(headers)
            await self._serving.take_release(name, read_asked(await self._body(headers, receive)))
        return _Response(model.release.told(model.usual))

    async def _oip(
        self, address: OipAddress, scope: Scope, headers: Headers, receive: Receive
    ) -> _Response:
        """Whatever the Open Inference Protocol asks."""
        serving, verb = self._serving, address.verb
        if verb == "infer":
            body = await self._body(headers, receive)
            call = OipCall(address, body, headers.get(HEADER.encode(), b"").decode("latin-1"))
            found = await self._ask(call, body, scope, headers)
            if (num := call.num_header_bytes) is None:
                return found
            return found._replace(kind=_BYTES, more=((HEADER.encode(), b"%d" % num),))
        if verb in CHANGES:
            self._check(headers)
            await (serving.load if verb == "load" else serving.unload)(address.model)
            return _Response(b"{}")
        if verb in ("live", "ready"):
            return _Response(b"", 200 if verb == "live" or serving.is_ready() else 503)
        body = await self._body(headers, receive) if verb == "index" else b""
        return _Response(page_of(address, serving, self._answering.figures, body))

    def _check(self, headers: Headers) -> None:
        check_token(headers.get(b"authorization", b"").decode("latin-1"), self._token)

    async def _page(self, scope: Scope, headers: Headers, receive: Receive) -> _Response:
        method, path = scope["method"], scope["path"]
        if path == "/v1/config" and method == "POST":
            await self._reload(headers, receive)
            return _Response(b"{}")
        if method not in ("GET", "HEAD"):
            raise _RefusedError(405, f"expected GET for {path[:200]}, got {method}")
        if path in ("/", "/status"):
            return _Response(self._status(), kind=_HTML)
        if path == "/v1/config":
            return _Response(json.dumps(config_json(self._serving.config)).encode())
        if path in ("/metrics", "/monitoring/prometheus/metrics"):
            return _Response(self._answering.figures.page(), kind=_METRICS)
        if path not in ("/healthz", "/readyz"):
            raise _RefusedError(404, f"nothing is at {path[:200]}; models are at /v1/models/NAME")
        if path == "/healthz" or self._serving.is_ready():
            return _Response(b"ok\n", kind=_TEXT)
        return _Response(b"a model has no version that answers yet\n", 503, _TEXT)

    def _status(self) -> bytes:
        # Loads templates, which nobody else needs.
        from tasks.serving.status.page import status_page

        serving, figures = self._serving, self._answering.figures
        standings = [standing_of(serving.model(name), figures) for name in serving.models()]
        return status_page(standings, serving.is_ready(), self._links)

    async def _reload(self, headers: Headers, receive: Receive) -> None:
        """Take other settings."""
        self._check(headers)
        body = await self._body(headers, receive)
        try:
            config = parse_config(ServingConfig, json.loads(body))
        except (ValueError, RecursionError, ConfigError) as error:
            told = f"expected settings as JSON: {error}; nothing was changed"
            raise RequestError(Code.INVALID_ARGUMENT, told[:1000]) from error
        await self._serving.reload(config)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """A request's body, unpacked, within its limits of size and time."""
        limits = self._serving.config.limits
        max_bytes = limits.max_body_mb * _MB
        told = headers.get(b"content-length", b"")
        if told.isdigit() and int(told[:20]) > max_bytes:
            raise _too_large(max_bytes)
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body", False) or len(body) > max_bytes:
            try:
                async with asyncio.timeout(limits.body_s):
                    body = await _rest(body, receive, max_bytes)
            except TimeoutError as error:
                told_s = f"expected the body within {limits.body_s:g} s"
                raise _RefusedError(408, told_s, closes=True) from error
        elif message["type"] == "http.disconnect":
            raise RequestError(Code.CANCELLED, _GONE)
        coding = headers.get(b"content-encoding", b"identity").strip().lower()
        if coding == b"identity":
            return bytes(body)
        if coding not in (b"gzip", b"deflate"):
            raise _RefusedError(415, f"expected a body packed by gzip or deflate, got {coding!r}")
        unpacked = await asyncio.to_thread(unpack, body, max_bytes)
        if len(unpacked) > max_bytes:
            raise _too_large(max_bytes, closes=False)
        return unpacked


async def _rest(begun: bytes, receive: Receive, max_bytes: int) -> bytes:
    """The rest of a body that came in parts."""
    parts, num_bytes = [begun], len(begun)
    while num_bytes <= max_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(Code.CANCELLED, _GONE)
        parts.append(message.get("body", b""))
        num_bytes += len(parts[-1])
        if not message.get("more_body", False):
            return b"".join(parts)
    raise _too_large(max_bytes)


async def _discard(receive: Receive) -> None:
    """Let a client send on for a while: one that is cut off while it sends reads no answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_S):
            while (await receive()).get("more_body", False):
                pass


def _too_large(max_bytes: int, closes: bool = True) -> _RefusedError:
    told = f"expected a body of at most {max_bytes // _MB} MB, unpacked; ask in several requests"
    return _RefusedError(_TOO_LARGE, told, closes)
