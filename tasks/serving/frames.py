"""What the ingress and a worker send each other: a header, small arrays after it, large ones aside.

A frame is the length of its header and that of its body, the header (msgpack), and the bytes of the
arrays one after the other. An array of more than `SHARED_BYTES` lies in memory that both processes
see, one region a direction. Only one message a direction is under way at a time, so a region is
written from its beginning each time; where several are, nothing lies there. Of text (arrays of
`bytes`) come the ends of all values first.
"""

from __future__ import annotations

import logging
import mmap
import os
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tasks.core.errors import (
    DataError,
    OrreryError,
    ResourceError,
    TransientError,
    WorkerLostError,
)
from tasks.serving.config import Sharding
from tasks.serving.types import Arrays

SHARED_BYTES: Final = 65_536
_KEPT_BYTES: Final = 32_000_000  # a region that was larger once gives the rest back
_ALIGNED: Final = 64  # bytes of a cache line
_LENGTHS: Final = struct.Struct("<II")
_INLINE: Final = -1
_TEXT: Final = "bytes"
_NO_MEMORY: Final = re.compile("allocate memory|bad_alloc|bad allocation")
logger = logging.getLogger(__name__)


class ArrayHeader(msgspec.Struct, array_like=True, gc=False):
    """Where an array lies: in the body, or in the region at a place."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    num_bytes: int
    place: int = _INLINE


class Load(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Open a bundle, replay it, warm up; the memory limit comes on top of what a worker has."""

    folder: str
    network: str = ""
    memory_bytes: int | None = None
    shards: Sharding | None = None


class Ask(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Answer one batch; or one request of many under way, which its key tells apart."""

    signature: str
    arrays: list[ArrayHeader]
    key: int = 0


class Ready(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The runtime is imported."""


class Loaded(msgspec.Struct, tag=True, array_like=True, gc=False):
    """The bundle answers as it says; with its `bundle.json` as it was verified."""

    bundle: str
    network: str
    taken_s: float
    cpu_s: float


class Answer(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Arrays that were asked for, and how long the network took."""

    arrays: list[ArrayHeader]
    compute_s: float
    key: int = 0


class Refused(msgspec.Struct, tag=True, array_like=True, gc=False):
    """Why not: what came can't be answered, takes too much memory, or met a fault of the worker."""

    message: str
    kind: Literal["data", "memory", "fault"]
    key: int = 0


Message = Load | Ask | Ready | Loaded | Answer | Refused
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)


class Region:
    """Memory that two processes see, by a descriptor that one of them passed on."""

    def __init__(self, descriptor: int) -> None:
        """See the memory of a descriptor, which belongs to the region from now on."""
        self.descriptor = descriptor
        self._map: mmap.mmap | None = None

    @classmethod
    def make(cls) -> Region:
        """Make one, empty, that has no name in any file system."""
        return cls(os.memfd_create("orrery-serving", os.MFD_CLOEXEC))

    def view(self, place: int, num_bytes: int) -> memoryview:
        """Bytes at a place, which the region then has."""
        end = place + num_bytes
        if os.fstat(self.descriptor).st_size < end:
            os.ftruncate(self.descriptor, end)
        if self._map is None or len(self._map) < end:  # views of the old map keep it
            self._map = mmap.mmap(self.descriptor, end)
        return memoryview(self._map)[place:end]

    def trim(self) -> None:
        """Give back what a large message took; nobody may look at one any more."""
        if self._map is not None and len(self._map) > _KEPT_BYTES:
            os.ftruncate(self.descriptor, _KEPT_BYTES)

    def close(self) -> None:
        """Let go of the memory, once nobody looks at it."""
        self._map = None
        os.close(self.descriptor)


def refuse(error: BaseException, no_memory: str) -> Refused:
    """Why something failed; libraries say in many ways that there is no memory."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or _NO_MEMORY.search(str(cause)):
            return Refused(no_memory, "memory")
        cause = cause.__cause__
    if isinstance(error, TransientError):
        return Refused(str(error), "fault")
    if isinstance(error, OrreryError):
        return Refused(str(error), "data")
    logger.error("a fault of the worker", exc_info=error)
    return Refused(f"{type(error).__name__}: {error}", "fault")


def error_of(refused: Refused) -> OrreryError:
    """The error that a refusal stands for on the other side."""
    kinds = {"data": DataError, "memory": ResourceError, "fault": WorkerLostError}
    return kinds[refused.kind](refused.message)


def encode(message: Message, body: Iterable[bytes | memoryview] = ()) -> bytes:
    """A frame of a message and of what `place` has told to come after it."""
    header, rest = _ENCODER.encode(message), b"".join(body)
    return _LENGTHS.pack(len(header), len(rest)) + header + rest


def place(
    arrays: Arrays, region: Region | None
) -> tuple[list[ArrayHeader], list[bytes | memoryview]]:
    """Headers of arrays, and the body with the small ones, or all if there is no region."""
    headers: list[ArrayHeader] = []
    body: list[bytes | memoryview] = []
    end = 0
    for name, array in arrays.items():
        dtype = _TEXT if array.dtype == object else array.dtype.str
        data = _text_bytes(array) if dtype is _TEXT else None
        num_bytes = array.nbytes if data is None else len(data)
        header = ArrayHeader(name, dtype, array.shape, num_bytes)
        headers.append(header)
        if region is None or num_bytes <= SHARED_BYTES:
            body.append(array.tobytes() if data is None else data)
            continue
        header.place, end = end, end + num_bytes + -num_bytes % _ALIGNED
        target = region.view(header.place, num_bytes)
        if data is None:
            np.copyto(np.frombuffer(target, array.dtype).reshape(array.shape), array)
        else:
            target[:] = data
    return headers, body


def unplace(
    headers: Iterable[ArrayHeader], body: memoryview, region: Region, *, copied: bool = False
) -> Arrays:
    """Arrays of a message, read only.

    Args:
        headers: What the message says of them.
        body: What came after its header.
        region: Where the large ones lie.
        copied: Whether they are the caller's for good; else only until the next message.
    """
    arrays, at = {}, 0
    for header in headers:
        if header.place == _INLINE:
            data = body[at : at + header.num_bytes]
            at += header.num_bytes
        else:
            data = region.view(header.place, header.num_bytes).toreadonly()
            data = memoryview(bytes(data)) if copied else data
        if header.dtype == _TEXT:
            arrays[header.name] = _text(data, header.shape)
        else:
            arrays[header.name] = np.frombuffer(data, header.dtype).reshape(header.shape)
    return arrays


@dataclass
class Frames:
    """Bytes as they come in, cut into frames."""

    _left: bytes = b""

    def feed(self, data: bytes) -> list[tuple[Message, memoryview]]:
        """Frames that are whole with these bytes: messages and their bodies.

        Raises:
            ValueError: They are no frames.
        """
        data = self._left + data if self._left else data
        at, view, found = 0, memoryview(data), []
        while len(data) - at >= _LENGTHS.size:
            num_header, num_body = _LENGTHS.unpack_from(data, at)
            begin = at + _LENGTHS.size
            middle = begin + num_header
            if len(data) < middle + num_body:
                break
            at = middle + num_body
            found.append((_DECODER.decode(view[begin:middle]), view[middle:at]))
        self._left = data[at:]
        return found


def _text_bytes(array: npt.NDArray[Any]) -> bytes:
    values = array.ravel().tolist()
    ends = np.cumsum([len(each) for each in values], dtype="<i8")
    return ends.tobytes() + b"".join(values)


def _text(data: memoryview, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    array = np.empty(shape, object)
    ends = np.frombuffer(data, "<i8", array.size).tolist()
    values = bytes(data[8 * array.size :])
    array.reshape(-1)[:] = [values[i:j] for i, j in zip([0, *ends], ends, strict=False)]
    return array
