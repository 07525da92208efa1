"""Freed memory is taken again without asking the system."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import ctypes, resource, sys
from tasks.nas.training.memory import keep_freed_memory

library, num_bytes = ctypes.CDLL(None), 30 * 2**20
library.malloc.restype = ctypes.c_void_p

def step():
    maps = [library.malloc(num_bytes) for _ in range(4)]
    for each in maps:
        ctypes.memset(each, 1, num_bytes)
    for each in maps:
        library.free(ctypes.c_void_p(each))

for setting in (-1, -3):
    library.mallopt(setting, 2**17)  # what every process begins with
if sys.argv[1] == "keep":
    keep_freed_memory()
for number in range(8):
    if number == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(word: str) -> int:
    command = [sys.executable, "-c", PROBE, word]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_pages_are_asked_for_once() -> None:
    assert 20 * faults("keep") < faults("return")
