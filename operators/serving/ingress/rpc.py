"""The gRPC interface: raw bytes in threads, handed to the ingress' loop and back.

Python's threaded server costs less than its asyncio one; a thread does nothing but wait, so their
number bounds how many requests are asked at once, and what is parsed is parsed in the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Final

import grpc

from operators.serving.ingress.answering import Answering
from operators.serving.ingress.app import check_token
from tasks.serving.rpc import management
from tasks.serving.rpc.calls import CALLS, Spec, write_metadata
from tasks.serving.rpc.messages import PACKAGE, parse
from tasks.serving.types import Code, RequestError

NUM_THREADS: Final = 64
_MAX_CALLS: Final = 1000  # more are answered RESOURCE_EXHAUSTED at once
_MB: Final = 1_000_000
_GRACE_S: Final = 1.0
_STATUS: Final = {each.value[0]: each for each in grpc.StatusCode}
_Ask = Callable[[bytes, Any], Coroutine[Any, Any, bytes]]
logger = logging.getLogger(__name__)


class Rpc:
    """The server of gRPC.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self, answering: Answering, token: str, loop: asyncio.AbstractEventLoop, address: str
    ) -> None:
        """Listen; see `start`.

        Args:
            answering: Has requests answered.
            token: What whoever changes settings must show; empty if nobody may.
            loop: The loop that all is answered in.
            address: ``host:port``; port 0 for any.

        Raises:
            RuntimeError: The port is taken.
        """
        self._answering, self._serving = answering, answering.serving
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
        prediction: dict[str, _Ask] = {name: self._asks(name) for name in CALLS}
        prediction["GetModelMetadata"] = self._metadata
        model: dict[str, _Ask] = {
            "GetModelStatus": self._status,
            "HandleReloadConfigRequest": self._reload,
        }
        for service, methods in (("PredictionService", prediction), ("ModelService", model)):
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(self._in_loop(ask))
                for name, ask in methods.items()
            }
            handler = grpc.method_handlers_generic_handler(f"{PACKAGE}.{service}", handlers)
            self._server.add_generic_rpc_handlers((handler,))
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError:
            self._server.start()  # else it has nothing to stop, and keeps what it has opened
            self._server.stop(None).wait()
            raise

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    async def stop(self, drain_s: float) -> None:
        """Take no more, answer what is asked, and end."""
        await asyncio.to_thread(self._server.stop(drain_s).wait, drain_s + _GRACE_S)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _in_loop(self, ask: _Ask) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        """What a thread does: let the loop answer, and wait."""

        def handle(raw: bytes, context: grpc.ServicerContext) -> bytes:
            future: Future[bytes] = asyncio.run_coroutine_threadsafe(ask(raw, context), self._loop)
            if not context.add_callback(future.cancel):  # when the client goes; or it has gone
                future.cancel()
            try:
                return future.result()
            except RequestError as error:
                context.abort(_STATUS[int(error.code)], error.message)
            except CancelledError:
                context.abort(grpc.StatusCode.CANCELLED, "the client has gone")
            except Exception:
                logger.exception("a call failed")
                context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log says why")
            raise AssertionError  # pragma: no cover - abort raises

        return handle

    def _asks(self, name: str) -> _Ask:
        kind = CALLS[name]

        async def ask(raw: bytes, context: grpc.ServicerContext) -> bytes:
            max_bytes = self._serving.config.limits.max_body_mb * _MB
            call, metadata = kind(raw, max_bytes), dict(context.invocation_metadata())
            key = metadata.get("x-request-key", "").encode() or raw
            reply = await self._answering.answer(
                call, "grpc", key, context.time_remaining(), lambda _: None
            )
            return reply.body

        return ask

    async def _metadata(self, raw: bytes, _: grpc.ServicerContext) -> bytes:
        request = parse("GetModelMetadataRequest", raw)
        spec, wanted = Spec(request.model_spec), [*request.metadata_field]
        if wanted != ["signature_def"]:
            told = f"expected the metadata field signature_def, got {', '.join(wanted)[:100]!r}"
            raise RequestError(Code.INVALID_ARGUMENT, told)
        target = self._serving.target(spec.model, spec.version, spec.label, b"")
        return write_metadata(target.model, target.version, target.bundle)

    async def _status(self, raw: bytes, _: grpc.ServicerContext) -> bytes:
        spec = Spec(parse("GetModelStatusRequest", raw).model_spec)
        found = self._serving.status(spec.model, spec.version, spec.label)
        return management.write_status(found)

    async def _reload(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        shown = dict(context.invocation_metadata()).get("authorization", "")
        check_token(shown, self._token)
        await self._serving.reload(management.read_reload(raw, self._serving.config))
        return management.write_reloaded()
