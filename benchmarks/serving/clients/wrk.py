"""wrk as the client: what others measure with, beside our own; Debian's package of that name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from typing import Final

from benchmarks.serving.clients.load import TIMEOUT_S, Answers, Requests

PROGRAM: Final = shutil.which("wrk")
_ASKED = re.compile(r"(\d+) requests in")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_BROKEN = re.compile(r"Socket errors: .*")


def closed_loop(requests: Requests, num_connections: int, seconds: float) -> Answers:
    """Ask over so many connections of one thread, each again as soon as it is answered."""
    raw = ", ".join(json.dumps(requests.raw(each).decode()) for each in range(len(requests.bodies)))
    script = (
        f"local raw, number = {{{raw}}}, 0\n"
        "function request() number = number % #raw + 1 return raw[number] end\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [
            *(PROGRAM or "wrk", "--threads=1", f"--connections={num_connections}"),
            *(f"--duration={max(1, round(seconds))}s", f"--timeout={TIMEOUT_S:.0f}s"),
            *(f"--script={file.name}", f"http://127.0.0.1:{requests.port}"),
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read(told)


def read(told: str) -> Answers:
    """What wrk says of a run; it counts answers of another status among the others."""
    num_failed = sum(int(each) for each in _FAILED.findall(told))
    reasons = [found[0] for each in (_FAILED, _BROKEN) if (found := each.search(told))]
    num = int(_ASKED.findall(told)[0]) - num_failed
    return Answers(num=num, num_failed=num_failed + bool(_BROKEN.search(told)), reasons=reasons)
