"""The gRPC interface: raw bytes in threads, handed to the ingress' loop and back.

Python's threaded server costs less than its asyncio one; a thread does nothing but wait, so their
number bounds how many requests are asked at once, and what is parsed is parsed in the loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

from operators.serving.models.serving import Serving
from tasks.serving.access import check_token
from tasks.serving.rpc import management
from tasks.serving.rpc.calls import CALLS, Spec, write_metadata
from tasks.serving.rpc.messages import PACKAGE, parse
from tasks.serving.traffic.answering import Answering, Asked
from tasks.serving.types import Code, RequestError

NUM_THREADS: Final = 64
_MAX_CALLS: Final = 1000  # more are answered RESOURCE_EXHAUSTED at once
_MB: Final = 1_000_000
_GRACE_S: Final = 1.0
_PATIENCE_S: Final = 60.0
_KEY: Final = "x-request-key"
_STATUS: Final = {each.value[0]: each for each in grpc.StatusCode}
_Ask = Callable[[bytes, Any], Coroutine[Any, Any, bytes]]
_Handle = Callable[[bytes, grpc.ServicerContext], bytes]
_FAILED: Final = RequestError(Code.INTERNAL, "the server failed; its log says why, ask its owner")
logger = logging.getLogger(__name__)


class _Waiting:
    """A thread that waits for an answer; a lock is the cheapest that one can wait for."""

    __slots__ = ("asked", "body", "error", "is_gone", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.asked: Asked | None = None
        self.body, self.error, self.is_gone = b"", _FAILED, False

    def fail(self, error: Exception) -> None:
        """Let the thread end its call by an error."""
        self.error = _told(error)
        self.lock.release()


class Rpc:
    """The server of gRPC.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self,
        serving: Serving,
        answering: Answering,
        token: str,
        loop: asyncio.AbstractEventLoop,
        address: str,
    ) -> None:
        """Listen; see `start`.

        Args:
            serving: The models.
            answering: Has requests answered by them.
            token: What whoever changes settings must show; empty if nobody may.
            loop: The loop that all is answered in.
            address: ``host:port``; port 0 for any.

        Raises:
            RuntimeError: The port is taken.
        """
        self._answering, self._serving = answering, serving
        self._token, self._loop = token, loop
        max_bytes = self._serving.config.limits.max_body_mb * _MB
        options = (
            ("grpc.max_receive_message_length", max_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.max_metadata_size", 16 * 1024),
        )
        self._threads = ThreadPoolExecutor(NUM_THREADS, "grpc")
        self._server = grpc.server(
            self._threads, options=options, maximum_concurrent_rpcs=_MAX_CALLS
        )
        self._take_calls()
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError:
            self._server.start()  # else it has nothing to stop, and keeps what it has opened
            self._server.stop(None).wait()
            raise

    def _take_calls(self) -> None:
        prediction = {name: self._infers(name) for name in CALLS}
        prediction["GetModelMetadata"] = self._in_loop(self._metadata)
        model = {
            "GetModelStatus": self._in_loop(self._status),
            "HandleReloadConfigRequest": self._in_loop(self._reload),
        }
        for service, methods in (("PredictionService", prediction), ("ModelService", model)):
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(handle)
                for name, handle in methods.items()
            }
            handler = grpc.method_handlers_generic_handler(f"{PACKAGE}.{service}", handlers)
            self._server.add_generic_rpc_handlers((handler,))

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    async def stop(self, drain_s: float) -> None:
        """Take no more, answer what is asked, and end."""
        await asyncio.to_thread(self._server.stop(drain_s).wait, drain_s + _GRACE_S)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _infers(self, name: str) -> _Handle:
        """What a thread does with a request that a model answers: hand it over, and wait."""
        kind = CALLS[name]

        def handle(raw: bytes, context: grpc.ServicerContext) -> bytes:
            waiting = _Waiting()
            key = next((v for k, v in context.invocation_metadata() if k == _KEY), "").encode()
            wait_s = context.time_remaining()
            self._loop.call_soon_threadsafe(self._begin, waiting, kind, raw, key or raw, wait_s)
            if not context.add_callback(lambda: self._gone(waiting)):
                self._gone(waiting)
            waiting.lock.acquire()
            return waiting.body or _abort(context, waiting.error)

        return handle

    def _begin(
        self, waiting: _Waiting, kind: type[Any], raw: bytes, key: bytes, wait_s: float | None
    ) -> None:
        """In the loop: ask; whatever happens, the thread goes on."""
        try:
            max_bytes = self._serving.config.limits.max_body_mb * _MB
            asked = self._answering.begin(kind(raw, max_bytes), "grpc", key, wait_s)
        except Exception as error:
            waiting.fail(error)
            return
        waiting.asked = asked
        asked.future.add_done_callback(lambda _: self._end(waiting, asked))
        if waiting.is_gone:
            asked.future.cancel()

    def _end(self, waiting: _Waiting, asked: Asked) -> None:
        """In the loop: let the thread go on."""
        try:
            waiting.body = self._answering.end(asked).body
            waiting.lock.release()
        except Exception as error:
            waiting.fail(error)

    def _gone(self, waiting: _Waiting) -> None:
        """The client has gone, or it has its answer."""
        waiting.is_gone = True
        if not waiting.body and waiting.asked is not None:
            self._loop.call_soon_threadsafe(waiting.asked.future.cancel)

    def _in_loop(self, ask: _Ask) -> _Handle:
        """What a thread does with anything else."""

        def handle(raw: bytes, context: grpc.ServicerContext) -> bytes:
            future = asyncio.run_coroutine_threadsafe(ask(raw, context), self._loop)
            try:
                return future.result(_PATIENCE_S)
            except Exception as error:
                return _abort(context, _told(error))

        return handle

    async def _metadata(self, raw: bytes, _: grpc.ServicerContext) -> bytes:
        request = parse("GetModelMetadataRequest", raw)
        spec, wanted = Spec(request.model_spec), [*request.metadata_field]
        if wanted != ["signature_def"]:
            told = f"expected the metadata field signature_def, got {', '.join(wanted)[:100]!r}"
            raise RequestError(Code.INVALID_ARGUMENT, told)
        target = self._serving.model(spec.model).target(spec.version, spec.label, b"")
        return write_metadata(target.model, target.version, target.bundle)

    async def _status(self, raw: bytes, _: grpc.ServicerContext) -> bytes:
        spec = Spec(parse("GetModelStatusRequest", raw).model_spec)
        found = self._serving.model(spec.model).status(spec.version, spec.label)
        return management.write_status(found)

    async def _reload(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        shown = dict(context.invocation_metadata()).get("authorization", "")
        check_token(shown, self._token)
        await self._serving.reload(management.read_reload(raw, self._serving.config))
        return management.write_reloaded()


def _told(error: Exception) -> RequestError:
    """What a client is told of an error; of one of ours that it is one."""
    if isinstance(error, RequestError):
        return error
    logger.error("a call failed", exc_info=error)
    return _FAILED


def _abort(context: grpc.ServicerContext, error: RequestError) -> bytes:
    """End a call by an error: raises."""
    context.abort(_STATUS[int(error.code)], error.message)
    raise AssertionError  # pragma: no cover - abort raises
