"""A worker's memory; that it loads and answers is tested from the ingress' side."""

from __future__ import annotations

import subprocess
import sys

LIMITED = """
import numpy as np
from operators.serving.workers.answering import _limit_memory

np.ones(1)
_limit_memory(100_000_000)
np.ones(5_000_000)
try:
    np.ones(20_000_000)
except MemoryError:
    print("refused")
"""


def test_memory_is_refused_above_the_limit_and_not_below():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True)
    assert done.stdout == "refused\n", done.stderr
