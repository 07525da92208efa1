"""Values of the server: what is asked, what comes back, what can go wrong, how a version stands.

Codes are those of gRPC (https://grpc.io/docs/guides/status-codes), states those of TensorFlow
Serving's `GetModelStatus`; each interface says them in its own way.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol

import numpy.typing as npt

from tasks.bundle.manifest import Bundle
from tasks.core.errors import DataError, OrreryError, ResourceError
from tasks.serving.config import ServingConfig

Arrays = Mapping[str, npt.NDArray[Any]]


class Code(IntEnum):
    """Why a request failed."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RequestError(OrreryError):
    """A request can't be answered; whoever asked is told, and nothing else is disturbed.

    Attributes:
        code: What kind of failure it is.
        message: What was expected, what came, what to do.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def code_of(error: BaseException) -> Code:
    """What kind of failure an error of the inside is."""
    if isinstance(error, DataError):
        return Code.INVALID_ARGUMENT
    if isinstance(error, ResourceError):
        return Code.RESOURCE_EXHAUSTED
    return Code.UNAVAILABLE if isinstance(error, OrreryError) else Code.INTERNAL


class State(IntEnum):
    """How a version stands, in the order in which it passes through them."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


# Types as TensorFlow names and numbers them (tensorflow/core/framework/types.proto).
DATA_TYPES: Final[Mapping[str, tuple[str, int]]] = {
    "bool": ("DT_BOOL", 10),
    "int8": ("DT_INT8", 6),
    "int16": ("DT_INT16", 5),
    "int32": ("DT_INT32", 3),
    "int64": ("DT_INT64", 9),
    "uint8": ("DT_UINT8", 4),
    "uint16": ("DT_UINT16", 17),
    "uint32": ("DT_UINT32", 22),
    "uint64": ("DT_UINT64", 23),
    "float16": ("DT_HALF", 19),
    "float32": ("DT_FLOAT", 1),
    "float64": ("DT_DOUBLE", 2),
    "bytes": ("DT_STRING", 7),
}


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """How a version stands.

    Attributes:
        version: Its number.
        state: AVAILABLE is said after it became so, UNLOADING before.
        code: OK, or why it ended.
        message: The same in words; empty if all is well.
    """

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Which version a request goes to, decided before its body is read.

    Attributes:
        model: Name of the model.
        version: The version that answers.
        bundle: What that version's bundle says.
        label: By which label it was found; empty where by number, or as the greatest.
        shadow: Version that is asked the same beside, its answer compared and never sent; or None.
        max_items: Items that a request may hold.
    """

    model: str
    version: int
    bundle: Bundle
    label: str = ""
    shadow: int | None = None
    max_items: int = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """What a version is asked.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        signature: Name of the signature; of several heads of one pass, their names joined by
            ``+`` (see `tasks.serving.heads`).
        arrays: Array of each input, by name: it fits the signature.
        outputs: Names of the outputs that are wanted; empty for all.
        deadline_s: When nobody waits for the answer any more, on the clock of whoever asks
            (`time.monotonic`); infinite for never.
    """

    model: str
    version: int
    signature: str
    arrays: Arrays
    outputs: tuple[str, ...] = ()
    deadline_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        arrays: Array of each output, by name; of several heads ``head/name``.
        version: The version that answered.
        queued_s: How long it waited for a worker.
        computed_s: How long the worker took for the batch that it was in.
        batch_size: Items of that batch, this request's among them.
    """

    arrays: Arrays
    version: int
    queued_s: float = 0.0
    computed_s: float = 0.0
    batch_size: int = 1


class Spec(Protocol):
    """Which model a request names."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def version(self) -> int | None:
        """The version that is asked for, if any."""

    @property
    def label(self) -> str:
        """The label that is asked for; empty for none."""


class Call(Protocol):
    """A request of an interface, read: it becomes a question, and its outputs an answer."""

    @property
    def spec(self) -> Spec:
        """Which model it names."""

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version."""

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Tell what it answered."""


class Model(Protocol):
    """A model that is asked."""

    def target(self, version: int | None, label: str, key: bytes) -> Target:
        """Who answers a request, which may name a version, a label, or its client."""

    def ask(self, question: Question) -> asyncio.Future[Answered]:
        """Ask a version; who cancels the future takes the question back."""

    def is_idle(self, version: int) -> bool:
        """Whether nobody waits for a version."""


class Models(Protocol):
    """All models of a server."""

    @property
    def config(self) -> ServingConfig:
        """The settings that are in force."""

    def model(self, name: str) -> Model:
        """The model of a name."""

    def models(self) -> tuple[str, ...]:
        """Names of the models."""


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What a version takes and took, for those who watch.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        resident_bytes: Memory of its process; 0 without one.
        num_waiting: Requests that wait for it.
        num_loads: How often it was loaded.
        num_failed_loads: How often it could not be.
        num_restarts: How often its process was lost and started again.
        load_s: How long its last load took, until it answered.
    """

    model: str
    version: int
    resident_bytes: int = 0
    num_waiting: int = 0
    num_loads: int = 0
    num_failed_loads: int = 0
    num_restarts: int = 0
    load_s: float = 0.0
