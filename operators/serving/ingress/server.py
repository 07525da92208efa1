"""Listens on both ports until it is told to end, and then answers what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import uvicorn

from operators.serving.ingress.app import App
from operators.serving.ingress.connections import limited
from operators.serving.ingress.rpc import Rpc
from operators.serving.models.serving import Serving
from tasks.serving.figures.page import Figures
from tasks.serving.traffic.answering import Answering
from tasks.serving.traffic.request_log import RequestLog

_IDLE_S = 75  # longer than most clients keep a connection that they don't use


@dataclass(frozen=True)
class Listen:
    """Where the server listens.

    Attributes:
        rest: Socket of the REST interface, bound.
        grpc: ``host:port`` of gRPC; port 0 for any.
        token: What whoever changes settings must show; empty if nobody may.
        links: Addresses of other servers, by name, for people.
    """

    rest: socket.socket
    grpc: str
    token: str = ""
    links: Mapping[str, str] = field(default_factory=dict)


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(
    serving: Serving,
    listen: Listen,
    stop: asyncio.Event,
    begun: Callable[[int, int], None],
) -> None:
    """Answer requests until `stop` is set; what was asked by then is answered within its limit.

    Args:
        serving: The models; they must answer until this returns.
        listen: Where.
        stop: Told to end.
        begun: Called with the ports of REST and gRPC once both answer.

    Raises:
        RuntimeError: The port of gRPC is taken.
    """
    figures = Figures(serving.figures)
    log = RequestLog(figures)
    answering = Answering(serving, figures, log)
    limits = serving.config.limits
    rpc = Rpc(answering, listen.token, asyncio.get_running_loop(), listen.grpc)
    server = _Server(
        uvicorn.Config(
            App(serving, answering, listen.token, listen.links),
            http=limited(lambda: serving.config.limits),
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=max(1, round(limits.drain_s)),
            backlog=4096,
        )
    )
    rpc.start()
    running = asyncio.create_task(server.serve(sockets=[listen.rest]))
    ending = asyncio.create_task(stop.wait())
    try:
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        begun(listen.rest.getsockname()[1], rpc.port)
        await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        server.should_exit = True
        await asyncio.gather(running, rpc.stop(limits.drain_s))
        await log.close()
