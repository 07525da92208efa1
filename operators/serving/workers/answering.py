"""What a worker does once it has imported the runtime: it loads a bundle, and answers batches.

Its memory is limited by RLIMIT_DATA and not by looking at what is resident: the kernel refuses the
very allocation that goes too far, so the network says that it has no memory, and nothing else on
the machine had to make room before somebody looked.
"""

from __future__ import annotations

import gc
import resource
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from operators.serving.workers.process import load_by
from tasks.bundle.folders import read_bundle
from tasks.bundle.replay import golden_of, replay_network, warm_up_of
from tasks.bundle.runtimes import Servable
from tasks.serving import heads
from tasks.serving.frames import (
    Answer,
    Ask,
    Frames,
    Load,
    Loaded,
    Message,
    Ready,
    Region,
    encode,
    place,
    refuse,
    unplace,
)
from tasks.serving.types import Arrays

_READ_BYTES = 1 << 18
Model = Callable[[str, Arrays], Arrays]  # gives outputs, given what is asked and the inputs


class Channel:
    """The ingress, as a worker sees it."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        """Take over the descriptors of the socket and of both regions."""
        self._socket = socket.socket(fileno=descriptors[0])
        self._asked, self._answered = Region(descriptors[1]), Region(descriptors[2])
        self._frames = Frames()

    def receive(self) -> tuple[Message, memoryview]:
        """Wait for a message, of which only one comes at a time.

        Raises:
            EOFError: The ingress has gone.
        """
        while True:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise EOFError
            if found := self._frames.feed(data):
                return found[0]

    def send(self, message: Message) -> None:
        """Send a message without arrays."""
        self._socket.sendall(encode(message))

    def answer(self, model: Model, asked: Ask, body: memoryview) -> None:
        """Answer a batch, or say why not."""
        begun_s = time.perf_counter()
        try:
            found = model(asked.signature, unplace(asked.arrays, body, self._asked))
            taken_s = time.perf_counter() - begun_s
            headers, sent = place(found, self._answered)
        except Exception as error:
            self.send(refuse(error, "the model's memory limit is too low for this batch"))
        else:
            self._socket.sendall(encode(Answer(headers, taken_s), sent))


def work(descriptors: Sequence[int]) -> None:
    """Load what is asked for, and answer until the ingress has gone."""
    channel = Channel(descriptors)
    try:
        channel.send(Ready())
        load, _ = channel.receive()  # the ingress' first message, and all further ones are `Ask`
        model = _loaded(channel, cast("Load", load))
        while model is not None:
            asked, body = channel.receive()
            channel.answer(model, cast("Ask", asked), body)
    except (EOFError, ConnectionError):
        pass


def _loaded(channel: Channel, load: Load) -> Model | None:
    """Open the bundle that is asked for, and say so; None, and said why, if it can't be served."""
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    if load.memory_bytes is not None:
        _limit_memory(load.memory_bytes)
    try:
        servable = load_by(lambda: _open(Path(load.folder), load.network))
    except Exception as error:
        limit = (load.memory_bytes or 0) / 1e6
        channel.send(refuse(error, f"needs more memory than its limit, {limit:,.0f} MB"))
    else:
        taken_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
        gc.collect()
        gc.freeze()  # no collection looks at it again
        channel.send(Loaded(servable.bundle.text(), servable.network, taken_s, cpu_s))
        return partial(heads.ask, servable)
    return None


def _open(folder: Path, network: str) -> Servable:
    """Open a bundle's network, the first if unnamed, replay it and warm it up."""
    bundle = read_bundle(folder)
    servable = Servable(folder, bundle, network or next(iter(bundle.networks)))
    replay_network(servable)
    for name, signature in bundle.signatures.items():
        inputs, _ = golden_of(folder, signature)
        for given in warm_up_of(signature, inputs):
            servable.ask(name, given)
    return servable


def _limit_memory(more_bytes: int) -> None:
    """Let the process have so much more private memory than it has now."""
    page_bytes = resource.getpagesize()
    data_bytes = int(Path("/proc/self/statm").read_text().split()[5]) * page_bytes
    limit_bytes = data_bytes + more_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
