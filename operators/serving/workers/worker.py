"""A worker as the ingress sees it: started, asked one batch at a time, ended without a rest."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import cast

from operators.installation import ROOT
from tasks.core.errors import DataError, OrreryError, ResourceError, WorkerLostError
from tasks.serving.config import Sharding
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

    def __init__(self, process: subprocess.Popen[bytes], asked: Region, answered: Region) -> None:
        """Speak with a process that was started; see `start`."""
        self._loop = asyncio.get_running_loop()
        self.pid = process.pid
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self.is_open = True
        self._process, self._frames = process, Frames()
        self._asked, self._answered = asked, answered
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()  # but for answers
        self._waiting: dict[int, _Waiting] = {}  # for answers, the oldest first
        self._keys = itertools.count()
        self._transport: asyncio.Transport | None = None
        self._reason = ""

    @classmethod
    async def start(cls) -> Worker:
        """Start a process, which imports the runtime and waits.

        It ends with the thread that starts it: one that lives as long as the ingress does.

        Raises:
            ResourceError: The machine gives no process, memory or descriptors for it.
        """
        try:
            with ExitStack() as undo:
                ours, theirs = socket.socketpair()
                undo.enter_context(ours)
                with theirs:
                    asked, answered = (undo.enter_context(closing(Region.make())) for _ in range(2))
                    process = _started(theirs.fileno(), asked.descriptor, answered.descriptor)
                undo.pop_all()
        except OSError as error:
            raise ResourceError(
                f"no worker can be started: {error}; raise the limits of processes and open files"
            ) from error
        worker = cls(process, asked, answered)
        try:
            await worker._loop.create_unix_connection(lambda: worker, sock=ours)
        except BaseException:
            ours.close()
            worker._lost(_reap(process))
            raise
        return worker

    async def load(
        self,
        folder: Path,
        network: str,
        memory_bytes: int | None,
        limit_s: float,
        shards: Sharding | None = None,
    ) -> Loaded:
        """Let it open a bundle, replay it and warm up, as its first work; it ends if that fails.

        Args:
            folder: The bundle.
            network: Which of its networks; its first if empty.
            memory_bytes: Memory that the process may take for it.
            limit_s: How long it may take.
            shards: How it is cut; None if it isn't.

        Raises:
            DataError: The bundle can't be served, or not within the time.
            ResourceError: It needs more memory than it may take.
            WorkerLostError: The process ended, or has a fault.
        """
        try:
            async with asyncio.timeout(limit_s):
                said = await self._next()
                while isinstance(said, Ready):  # twice, where the machine is busy: see `process`
                    self._send(encode(Load(str(folder), network, memory_bytes, shards)))
                    said = await self._next()
        except TimeoutError as error:
            self.kill(f"had not loaded its bundle after {limit_s:.0f} s")
            raise DataError(
                f"{folder}: expected it to be loaded and warm within {limit_s:.0f} s; make its "
                "golden and warm-up batches smaller, or raise the limit"
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
        self._send(encode(Ask(signature, headers, key), body))

    def end(self) -> None:
        """Let it end; see `ended`."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def kill(self, reason: str) -> None:
        """End it at once, because of something."""
        self.is_open = False
        self._reason = self._reason or reason
        self._process.kill()

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
        reaped = self._loop.run_in_executor(None, _reap, self._process)
        reaped.add_done_callback(lambda done: self._lost(done.result()))

    def _lost(self, code: int) -> None:
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

    def _send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)


def _started(*descriptors: int) -> subprocess.Popen[bytes]:
    own = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    return subprocess.Popen(
        [sys.executable, "-m", _PROGRAM, *map(str, descriptors), str(os.getpid())],
        env={**os.environ, **_ENV, "PYTHONPATH": os.pathsep.join([str(ROOT), *own])},
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
    )


def _reap(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process that has nobody to speak with any more."""
    try:
        return process.wait(_END_S)
    except subprocess.TimeoutExpired:  # it computes
        process.kill()
        return process.wait()
