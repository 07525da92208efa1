"""The demo of serving: two small models under load, a swap, a bad version, a rollback, the table.

    python -m benchmarks.demo_serve

Two bundles of an LSTM whose weights were only drawn are written as ONNX and served; while 60
requests a second come in, the second takes the place of the first, one that lies about its answers
is refused, and the first takes its place again. Exit code 1 if a request failed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.own_process import OwnProcess
from benchmarks.serving.bundles import FOLDER, bundle, place, words
from benchmarks.serving.clients.load import Answers, Requests, open_loop
from benchmarks.serving.cpu import PATH, bodies
from benchmarks.serving.servers import Server, ours
from benchmarks.serving.swaps import PER_S, expected

_SECONDS, _STEP_S, _PATIENCE_S = 16.0, 3.0, 10.0


def main() -> int:
    """Run the demo; see the module."""
    begun_s, console = time.monotonic(), Console(soft_wrap=True)
    console.print("making two bundles: an LSTM of 16 words, as ONNX and as a PyTorch program")
    for version in (1, 2):
        bundle("lstm", version)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=FOLDER))
    try:
        answers, events = _served(folder, console.print)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(_table(answers, events))
    console.print(f"{answers.num} requests were answered, {answers.num_failed} failed")
    for reason in answers.reasons[:3]:
        console.print(reason, markup=False)
    console.print(f"done in {time.monotonic() - begun_s:.0f} s; `make serve MODELS=folder` serves")
    return int(answers.num_failed > 0)


def _served(
    folder: Path, say: Callable[[str], None]
) -> tuple[Answers, list[tuple[str, float, float]]]:
    """Answers, and what happened: in words, when, and how long it took."""
    models, sentence = folder / "lstm", words(1, seed=7).tolist()
    place(bundle("lstm", 1), models / "1")
    config = {"models": {"lstm": {"folder": str(models)}}, "limits": {"poll_s": 0.05}}
    with OwnProcess() as client, ours(folder / "server", config) as server:
        say(f"serving on http://127.0.0.1:{server.port}{PATH}, {server.start_s:.1f} s after start")
        requests = Requests(server.port, PATH, bodies(sentence))
        time.sleep(1.0)
        load = client.submit(open_loop, requests, PER_S, _SECONDS, expected(sentence))
        events = [("version 1 answers", time.monotonic(), 0.0)]
        time.sleep(_STEP_S)
        events.append(_step("version 2 appears", server, requests, models, 2))
        time.sleep(_STEP_S)
        events.append(_step("version 3, damaged, appears", server, requests, models, 3))
        time.sleep(_STEP_S)
        events.append(_step("versions 2 and 3 are taken away", server, requests, models, 1))
        return load.result().value, events


def _step(
    what: str, server: Server, requests: Requests, models: Path, version: int
) -> tuple[str, float, float]:
    """Change what lies in the folder, and wait until the server has done what follows."""
    begun_s = time.monotonic()
    if version == 1:
        for number in (2, 3):
            (models / str(number)).rename(models.parent / str(number))
    elif version == 2:
        place(bundle("lstm", 2), models / "2")
    else:
        _damaged(models / "3")
    until_s = begun_s + _PATIENCE_S
    while not _is_done(server, requests, version):
        if time.monotonic() > until_s:
            raise RuntimeError(f"{what}: nothing followed: {server.get('/v1/models/lstm')}")
        time.sleep(0.001)
    return what, begun_s, time.monotonic() - begun_s


def _is_done(server: Server, requests: Requests, version: int) -> bool:
    if version == 3:
        stands = server.get("/v1/models/lstm")["model_version_status"]
        return any(each["version"] == "3" and each["state"] == "END" for each in stands)
    return server.version_of(requests.path, requests.bodies[0]) == version


def _damaged(target: Path) -> None:
    """A bundle one byte of whose network was changed."""
    copied = target.with_name(".damaged")
    shutil.copytree(bundle("lstm", 2), copied)
    network = copied / "model.onnx"
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    copied.rename(target)


def _table(answers: Answers, events: list[tuple[str, float, float]]) -> Table:
    table = Table("what happened", "took", "version", "answers", "p50", "p99")
    due_s, latency_ms = np.array(answers.due_s), 1e3 * np.array(answers.latency_s)
    ends = [begun_s for _, begun_s, _ in events[1:]] + [np.inf]
    for (what, begun_s, took_s), end_s in zip(events, ends, strict=True):
        mine = (due_s >= begun_s) & (due_s < end_s)
        versions = dict.fromkeys(np.array(answers.versions)[mine].tolist())
        p50, p99 = np.percentile(latency_ms[mine], (50, 99))
        table.add_row(
            what,
            f"{1e3 * took_s:.0f} ms" if took_s else "",
            ", then ".join(map(str, versions)),
            str(int(mine.sum())),
            f"{p50:.1f} ms",
            f"{p99:.1f} ms",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
