"""Models in this process: what the ingress asks, answered by a function."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from operators.serving.ingress.server import Listen, serve
from tasks.bundle.manifest import Bundle
from tasks.serving.config import ModelConfig, ServingConfig
from tasks.serving.heads import heads_of, output_of
from tasks.serving.release.record import Asked, Release
from tasks.serving.types import (
    Answered,
    Arrays,
    Code,
    Question,
    RequestError,
    State,
    Target,
    VersionFigures,
    VersionStatus,
)
from tests.support.serving.bundles import bundle

TOKEN = "secret"  # noqa: S105 - of a server that lives for a test


def answer(question: Question) -> Arrays:
    """What a bundle of words stands for here: sums, of which two are classes."""
    words = question.arrays["words"].astype(np.float32)
    total = words.sum(axis=1)
    known: dict[str, dict[str, Any]] = {
        "tags": {"each": 2 * words, "sum": np.stack([total] * 4, axis=1)},
        "classes": {"scores": np.stack([total, -total], axis=1)},
        "number": {"value": total + question.version},
    }
    heads = heads_of(question.signature)
    if len(heads) == 1:
        found = known[heads[0]]
        return {name: found[name] for name in question.outputs or found}
    return {output_of(head, name): a for head in heads for name, a in known[head].items()}


class FakeServing:
    """A `Serving` of one model, itself; versions 3 and 4 answer, 4 by its label or number alone.

    Attributes:
        asked: All questions.
        held: Futures of questions that nobody answers yet, while `holds`.
    """

    def __init__(self, config: ServingConfig | None = None) -> None:
        self.config = config or ServingConfig()
        self.answer: Callable[[Question], Arrays] = answer
        self.bundle: Bundle = bundle()
        self.asked: list[Question] = []
        self.held: list[asyncio.Future[Answered]] = []
        self.holds, self.ready, self.shadow, self.idle = False, True, None, True
        self.latest = 3
        self.keys: list[bytes] = []
        self.left: set[int] = set()
        self.name, self.away = "some", ""
        self.settings = ModelConfig(folder="/models/some")
        self.release = Release(source="/models/some")
        self.labels: Mapping[str, int] = {}
        self.changes: list[str] = []

    @property
    def usual(self) -> int | None:
        return self.latest

    async def take_release(self, name: str, asked: Asked) -> Release:
        self.release = self.model(name).release.take(asked, self.latest)
        return self.release

    async def load(self, name: str) -> None:
        self.changes.append(f"load {self.model(name).name}")

    async def unload(self, name: str) -> None:
        self.changes.append(f"unload {self.model(name).name}")

    def model(self, name: str) -> FakeServing:
        if name != "some":
            told = f"Request for unknown model: Could not find any versions of model {name}"
            raise RequestError(Code.NOT_FOUND, told)
        return self

    def target(self, version: int | None, label: str, key: bytes) -> Target:
        self.keys.append(key)
        if label not in ("", "next"):
            told = f"Unrecognized servable version label: {label}"
            raise RequestError(Code.INVALID_ARGUMENT, told)
        number = (4 if label else self.latest) if version is None else version
        if number not in (3, 4):
            told = f"Servable not found for request: Specific(some, {version})"
            raise RequestError(Code.NOT_FOUND, told)
        return Target("some", number, self.bundle, label, self.shadow)

    def ask(self, question: Question) -> asyncio.Future[Answered]:
        if question.version in self.left:
            self.latest = 4
            raise RequestError(Code.UNAVAILABLE, "some version 3 has left")
        self.asked.append(question)
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        if self.holds:
            self.held.append(future)
            return future
        try:
            found = self.answer(question)
            future.set_result(Answered(found, question.version, 0.001, 0.002, 5))
        except Exception as error:
            future.set_exception(error)
        return future

    def status(self, version: int | None = None, label: str = "") -> tuple[VersionStatus, ...]:
        told = (VersionStatus(4, State.LOADING), VersionStatus(3, State.AVAILABLE))
        return tuple(each for each in told if version in (None, each.version))

    def is_idle(self, version: int) -> bool:
        return self.idle

    def is_ready(self) -> bool:
        return self.ready

    def models(self) -> tuple[str, ...]:
        return ("some",)

    def figures(self) -> Iterable[VersionFigures]:
        return [VersionFigures("some", 3, 1_000_000, 2, 1, 0, 0, 0.5)]

    async def reload(self, config: ServingConfig) -> None:
        self.config = config


@dataclass
class Running:
    """A server that answers.

    Attributes:
        rest: Address of REST.
        grpc: Address of gRPC.
        serving: Its models.
    """

    rest: str
    grpc: str
    serving: FakeServing


@asynccontextmanager
async def running(serving: FakeServing, token: str = TOKEN) -> AsyncIterator[Running]:
    """A server on free ports of this machine, in this loop."""
    stop, ports = asyncio.Event(), asyncio.get_running_loop().create_future()
    with socket.create_server(("127.0.0.1", 0)) as rest:
        listen = Listen(rest, "127.0.0.1:0", token)
        task = asyncio.create_task(
            serve(serving, listen, stop, lambda *told: ports.set_result(told))
        )
        await asyncio.wait({task, ports}, return_when=asyncio.FIRST_COMPLETED)
        try:
            mine, other = ports.result()
            yield Running(f"http://127.0.0.1:{mine}", f"127.0.0.1:{other}", serving)
        finally:
            stop.set()
            await task
