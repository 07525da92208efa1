"""CPU that a request costs, ours and the peers', in turns of one run.

``cpu_us`` (16 connections) and ``cpu_us_1``: user and system microseconds of all processes of our
server over the requests that it answered. ``cpu_ratio_<peer>``: theirs over ours at 16 connections,
of neighbouring windows; ``cpu_ratio_fastapi_1``: ours over theirs at one;
``cpu_ratio_fastapi_wrk``: theirs over ours at 16, asked by wrk, where it is installed. Of Ray Serve
the proxy, the replica, its controller and all of Ray's head are counted. ``versions_overhead``:
CPU of our ingress, at 16 connections, with a split over two versions, labels, a shadow for one
request in a hundred and a request log of as many, over its own with one version, less one; networks
that compute are not counted, since two of them have smaller batches. While one server is asked the
others are stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle, logits, place, words
from benchmarks.serving.clients import wrk
from benchmarks.serving.clients.load import Answers, Requests, closed_loop
from benchmarks.serving.peers.starting import PEERS
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from tasks.core.errors import ResourceError

FULL, QUICK = (10.0, 5), (2.0, 1)  # seconds of a window, and rounds
_WARM_S = 2.0
PATH = "/v1/models/lstm:predict"
Ask = Callable[[Requests, int, float], Answers]


@dataclass(frozen=True)
class Cost:
    """What a request cost.

    Attributes:
        us: CPU microseconds of all processes.
        ingress_us: Those of the first.
    """

    us: float
    ingress_us: float


def bodies(sentences: Sequence[Sequence[int]]) -> tuple[bytes, ...]:
    """Requests of our server, of one sentence each."""
    return tuple(json.dumps({"instances": [each]}).encode() for each in sentences)


def plain_config(folder: Path) -> dict[str, Any]:
    """Settings with one version of one model."""
    place(bundle("lstm"), folder / "lstm" / "1")
    return {"models": {"lstm": {"folder": str(folder / "lstm")}}}


def versions_config(folder: Path) -> dict[str, Any]:
    """Settings with all that versions bring."""
    for version in (1, 2):
        place(bundle("lstm", version), folder / "lstm" / str(version))
    model = {
        "folder": str(folder / "lstm"),
        "policy": {"all": True},
        "labels": {"stable": 1, "canary": 2},
        "split": {"stable": 900, "canary": 100},
        "shadow": "canary",
        "shadow_share": 10,
    }
    return {"models": {"lstm": model}, "log": {"folder": str(folder / "log"), "share": 10}}


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure all servers in turns.

    Args:
        folder: Takes what servers need.
        quick: Whether the run is short.
    """
    seconds, num_rounds = QUICK if quick else FULL
    sentences = words(64).tolist()
    with ExitStack() as stack, OwnProcess() as client:
        servers = _started(folder, stack)
        asked = {name: _requests(name, each, sentences) for name, each in servers.items()}
        found: dict[tuple[str, str], list[Cost]] = {}
        for server in servers.values():
            server.pause()
        for number in range(-1, num_rounds):
            for kind, name, connections, ask in _windows(client, servers):
                window_s = _WARM_S if number < 0 else seconds
                cost = _window(ask, servers[name], asked[name], connections, window_s)
                if number >= 0:
                    found.setdefault((name, kind), []).append(cost)
        for server in servers.values():
            server.go_on()
    return _figures(found)


def _started(folder: Path, stack: ExitStack) -> dict[str, Server]:
    """Servers by name; a peer that can't be installed or compared is left out, and said so."""
    servers = {
        "plain": stack.enter_context(ours(folder / "plain", plain_config(folder / "plain"))),
        "versions": stack.enter_context(
            ours(folder / "versions", versions_config(folder / "versions"))
        ),
    }
    (sentence,) = words(1).tolist()
    expected = logits(sentence)
    for peer in PEERS:
        try:
            with ExitStack() as trial:
                server = trial.enter_context(peer.start(folder))
                peer.check(server, sentence, expected)
                stack.push(trial.pop_all())
            servers[peer.name] = server
        except (ResourceError, RuntimeError, httpx.HTTPError) as error:
            print(f"{peer.name} is left out: {str(error)[-300:]}")
    if not wrk.PROGRAM:
        print("wrk is left out: it is not installed; Debian's package is called wrk")
    return servers


def _windows(client: OwnProcess, servers: Mapping[str, Server]) -> list[tuple[str, str, int, Ask]]:
    """Windows of a round: a name of their kind, the server, connections, and who asks."""

    def own(requests: Requests, connections: int, seconds: float) -> Answers:
        return client.call(closed_loop, requests, connections, seconds).value

    windows: list[tuple[str, str, int, Ask]] = []
    windows += [(str(num), name, num, own) for num in (16, 1) for name in servers]
    if wrk.PROGRAM:
        both = ("plain", "fastapi")
        windows += [("wrk", name, 16, wrk.closed_loop) for name in both if name in servers]
    return windows


def _requests(name: str, server: Server, sentences: Sequence[Sequence[int]]) -> Requests:
    for peer in PEERS:
        if peer.name == name:
            return peer.requests(server, sentences)
    return Requests(server.port, PATH, bodies(sentences))


def _window(ask: Ask, server: Server, requests: Requests, connections: int, seconds: float) -> Cost:
    """CPU of a request of one server.

    Raises:
        RuntimeError: A request failed.
    """
    server.go_on()
    begun_s, first_s = server.cpu_s(), server.ingress_cpu_s()
    answers = ask(requests, connections, seconds)
    spent_s, ingress_s = server.cpu_s() - begun_s, server.ingress_cpu_s() - first_s
    server.pause()
    if answers.num_failed or not answers.num:
        raise RuntimeError(f"{answers.num_failed} requests failed: {answers.reasons[:3]}")
    return Cost(1e6 * spent_s / answers.num, 1e6 * ingress_s / answers.num)


def _figures(found: Mapping[tuple[str, str], Sequence[Cost]]) -> dict[str, Figure]:
    us = {key: [each.us for each in costs] for key, costs in found.items()}
    figures = {
        "cpu_us": median(us["plain", "16"], "us"),
        "cpu_us_1": median(us["plain", "1"], "us"),
    }
    figures["versions_overhead"] = median(
        [
            more.ingress_us / less.ingress_us - 1
            for more, less in zip(found["versions", "16"], found["plain", "16"], strict=True)
        ]
    )

    def compare(name: str, of: tuple[str, str], over: tuple[str, str]) -> None:
        if of in us and over in us:
            pairs = zip(us[of], us[over], strict=True)
            figures[name] = median([one / other for one, other in pairs])

    for peer in PEERS:
        compare(f"cpu_ratio_{peer.name}", (peer.name, "16"), ("plain", "16"))
    compare("cpu_ratio_fastapi_1", ("plain", "1"), ("fastapi", "1"))
    compare("cpu_ratio_fastapi_wrk", ("fastapi", "wrk"), ("plain", "wrk"))
    return figures
