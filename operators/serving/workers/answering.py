"""What a worker does once it has imported the runtime: it loads a bundle, and answers batches.

Requests to a granular network come one by one instead, and share steps or a region here.

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
from tasks.bundle.runtimes import Runtime, Servable
from tasks.serving import heads
from tasks.serving.batching.granular import Flow, flow_of
from tasks.serving.config import Sharding
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
_TOO_LARGE = "the model's memory limit is too low for this batch"
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
        while not (found := self._arrived()):
            pass
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
            self._socket.sendall(self._told(asked.key, error, begun_s))
        else:
            self._socket.sendall(encode(Answer(headers, taken_s, asked.key), sent))

    def go_on(self, flow: Flow[int], begun_s: dict[int, float]) -> None:
        """Take what has come, wait for it if nothing is under way, and do a bit of everything.

        Raises:
            EOFError: The ingress has gone.
        """
        told: list[tuple[int, Arrays | Exception]] = []
        for message, body in self._arrived(0 if not flow else socket.MSG_DONTWAIT):
            asked = cast("Ask", message)
            begun_s[asked.key] = time.perf_counter()
            try:
                flow.add(asked.key, asked.signature, unplace(asked.arrays, body, self._asked))
            except Exception as error:
                told.append((asked.key, error))
        told += flow.step()
        frames = [self._told(key, found, begun_s.pop(key)) for key, found in told]
        self._socket.sendall(b"".join(frames))

    def _told(self, key: int, found: Arrays | Exception, begun_s: float) -> bytes:
        if isinstance(found, Exception):
            refused = refuse(found, _TOO_LARGE)
            refused.key = key
            return encode(refused)
        headers, body = place(found, None)
        return encode(Answer(headers, time.perf_counter() - begun_s, key), body)

    def _arrived(self, how: int = 0) -> list[tuple[Message, memoryview]]:
        try:
            data = self._socket.recv(_READ_BYTES, how)
        except BlockingIOError:
            return []
        if not data:
            raise EOFError
        return self._frames.feed(data)


def work(descriptors: Sequence[int]) -> None:
    """Load what is asked for, and answer until the ingress has gone."""
    channel = Channel(descriptors)
    try:
        channel.send(Ready())
        load, _ = channel.receive()  # the ingress' first message, and all further ones are `Ask`
        servable = _loaded(channel, cast("Load", load))
        if servable is None:
            return
        flow, begun_s = flow_of(servable), dict[int, float]()
        while flow is not None:
            channel.go_on(flow, begun_s)
        model = partial(heads.ask, servable)
        while True:
            asked, body = channel.receive()
            channel.answer(model, cast("Ask", asked), body)
    except (EOFError, ConnectionError):
        pass


def _loaded(channel: Channel, load: Load) -> Servable | None:
    """Open the bundle that is asked for, and say so; None, and said why, if it can't be served."""
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    if load.memory_bytes is not None:
        _limit_memory(load.memory_bytes)
    try:
        opener = None if load.shards is None else _sharded(load.shards)
        servable = load_by(lambda: _open(Path(load.folder), load.network, opener))
    except Exception as error:
        limit = (load.memory_bytes or 0) / 1e6
        channel.send(refuse(error, f"needs more memory than its limit, {limit:,.0f} MB"))
    else:
        taken_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
        gc.collect()
        gc.freeze()  # no collection looks at it again
        channel.send(Loaded(servable.bundle.text(), servable.network, taken_s, cpu_s))
        return servable
    return None


def _sharded(told: Sharding) -> Runtime:
    """What opens a network on Ray, whose threads are of the usual class from here on."""
    from operators.compute.ray_shards import Shards  # which most do without
    from operators.installation import load_profile, profile_name

    address = load_profile(profile_name()).ray_address
    shards = Shards.connect(address, told.num_cpus, told.num_gpus)
    return shards.opener(told.max_mb * 1_000_000, told.at)


def _open(folder: Path, network: str, opener: Runtime | None) -> Servable:
    """Open a bundle's network, the first if unnamed, replay it and warm it up."""
    bundle = read_bundle(folder, network=network)
    servable = Servable(folder, bundle, network or next(iter(bundle.networks)), opener)
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
