"""A worker as the ingress sees it: started, asked one batch at a time, ended without a rest."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import cast

from operators.installation import ROOT
from operators.processes.spawn import spawn
from tasks.core.errors import DataError, OrreryError, ResourceError, WorkerLostError
from tasks.serving.frames import (
    Answer,
    Ask,
    Frames,
    Load,
    Loaded,
    Message,
    Ready,
    Refused,
    Region,
    encode,
    error_of,
    place,
    unplace,
)
from tasks.serving.types import Arrays

_PROGRAM = "operators.serving.workers.process"
_END_S = 2.0
# All processes end with the thread that starts them: this one lives as long as the ingress does.
_STARTER = ThreadPoolExecutor(1, "starts workers")
# One thread, and one arena of memory: a worker answers one batch at a time.
_ENV = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}
OnAnswer = Callable[[Arrays, float], None]
OnRefusal = Callable[[OrreryError], None]
_Waiting = tuple[OnAnswer, OnRefusal, float]


class Worker(asyncio.Protocol):
    """One process; `start` makes it.

    Attributes:
        pid: Its process.
        ended: Why it ended, once it has; nothing of it is left then.
        is_open: Whether it takes batches: false as soon as it is seen to end.
    """

    def __init__(self, pid: int, asked: Region, answered: Region) -> None:
        """Speak with a process that was started; see `start`."""
        self._loop = asyncio.get_running_loop()
        self.pid = pid
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self.is_open = True
        self._frames = Frames()
        self._asked, self._answered = asked, answered
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()  # but for answers
        self._waiting: dict[int, _Waiting] = {}  # for answers, the oldest first
        self._keys = itertools.count()
        self._reason = ""

    @classmethod
    async def start(cls) -> Worker:
        """Start a process, which imports the runtime and waits.

        Raises:
            ResourceError: The machine gives no process, memory or descriptors for it.
        """
        starting = asyncio.ensure_future(cls._start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(ResourceError):  # half of a start would leave a process
                (await starting).end()
            raise

    @classmethod
    async def _start(cls) -> Worker:
        loop = asyncio.get_running_loop()
        try:
            with ExitStack() as undo:
                ours, theirs = socket.socketpair()
                undo.enter_context(ours)
                with theirs:
                    asked, answered = (undo.enter_context(closing(Region.make())) for _ in range(2))
                    descriptors = theirs.fileno(), asked.descriptor, answered.descriptor
                    pid = await loop.run_in_executor(_STARTER, _started, descriptors)
                undo.pop_all()
        except OSError as error:
            raise ResourceError(
                f"no worker can be started: {error}; raise the limits of processes and open files"
            ) from error
        worker = cls(pid, asked, answered)
        try:
            await loop.create_unix_connection(lambda: worker, sock=ours)
        except BaseException:
            ours.close()
            worker.connection_lost(None)
            raise
        return worker

    async def load(self, asked: Load, limit_s: float) -> Loaded:
        """Let it open a bundle, replay it and warm up, as its first work; it ends if that fails.

        Args:
            asked: Which bundle, and how.
            limit_s: How long it may take.

        Raises:
            DataError: The bundle can't be served, or not within the time.
            ResourceError: It needs more memory than it may take.
            WorkerLostError: The process ended, or has a fault.
        """
        try:
            async with asyncio.timeout(limit_s):
                said = await self._next()
                while isinstance(said, Ready):  # twice, where the machine is busy: see `process`
                    self._transport.write(encode(asked))
                    said = await self._next()
        except TimeoutError as error:
            self.kill(f"had not loaded its bundle after {limit_s:.0f} s")
            raise DataError(
                f"{asked.folder}: expected it to be loaded and warm within {limit_s:.0f} s; make "
                "its golden and warm-up batches smaller, or raise the limit"
            ) from error
        except BaseException:
            self.end()
            raise
        if isinstance(said, Refused):
            self.end()
            raise error_of(said)
        return cast("Loaded", said)

    @property
    def asked_s(self) -> float | None:
        """Since when it has the oldest batch that it has, by `time.monotonic`; None for none."""
        return next((asked_s for *_, asked_s in self._waiting.values()), None)

    def ask(
        self,
        signature: str,
        arrays: Arrays,
        on_answer: OnAnswer,
        on_refusal: OnRefusal,
        *,
        is_alone: bool = True,
    ) -> None:
        """Let it answer a batch.

        Args:
            signature: What is asked.
            arrays: The batch's inputs.
            on_answer: Is called with the outputs, and the seconds that they took.
            on_refusal: Is called with the reason: `DataError`, what came can't be answered;
                `ResourceError`, it takes too much memory; `WorkerLostError`.
            is_alone: Whether it has no other one until it has answered.
        """
        key = next(self._keys)
        self._waiting[key] = on_answer, on_refusal, time.monotonic()
        headers, body = place(arrays, self._asked if is_alone else None)
        self._transport.write(encode(Ask(signature, headers, key), body))

    def end(self) -> None:
        """Let it end; see `ended`."""
        self.is_open = False
        self._transport.close()

    async def gone(self) -> None:
        """Wait until nothing of it is left; whoever stops waiting leaves others waiting."""
        await asyncio.shield(self.ended)

    def kill(self, reason: str) -> None:
        """End it at once, because of something."""
        self.is_open = False
        self._reason = self._reason or reason
        if not self.ended.done():
            os.kill(self.pid, signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours to use."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what the process says."""
        for message, body in self._frames.feed(data):
            if isinstance(message, Answer):
                arrays = unplace(message.arrays, body, self._answered, copied=True)
                self._asked.trim()
                self._answered.trim()
                self._waiting.pop(message.key)[0](arrays, message.compute_s)
            elif isinstance(message, Refused) and message.key in self._waiting:
                self._waiting.pop(message.key)[1](error_of(message))
            else:
                self._said.put_nowait(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its end says why
        """See it end, which it does once its socket is closed, and let go of all that it had."""
        self.is_open = False
        patience = self._loop.call_later(_END_S, self.kill, "")  # it computes
        how = os.WEXITED | os.WNOWAIT  # its number stays taken until `_lost`: nobody else is killed
        gone = self._loop.run_in_executor(None, os.waitid, os.P_PID, self.pid, how)
        gone.add_done_callback(lambda _: self._lost(patience))

    def _lost(self, patience: asyncio.TimerHandle) -> None:
        patience.cancel()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        told = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._asked.close()
        self._answered.close()
        self.ended.set_result(self._reason or f"ended with {told}")
        self._said.put_nowait(None)
        for key in tuple(self._waiting):
            self._waiting.pop(key)[1](WorkerLostError(self.ended.result()))

    async def _next(self) -> Message:
        said = await self._said.get()
        if said is None:
            raise WorkerLostError(self.ended.result())
        return said


def _started(descriptors: Sequence[int]) -> int:
    own = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    command = [sys.executable, "-m", _PROGRAM, *map(str, descriptors), str(os.getpid())]
    path = os.pathsep.join([str(ROOT), *own])
    return spawn(command, {**os.environ, **_ENV, "PYTHONPATH": path}, descriptors)
