"""Work in a process of its own, that may have little more memory than it begins with."""

from __future__ import annotations

import subprocess
import sys

_BEGIN = """
import resource
{imports}
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {num_bytes}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
{work}
"""


def run_within(num_bytes: int, imports: str, work: str, limit_s: float = 60) -> str:
    """Run Python code that may allocate so much.

    Args:
        num_bytes: Memory that it may add.
        imports: Lines that load what it needs, before the limit holds.
        work: The code.
        limit_s: Seconds that it may take.

    Returns:
        What it printed.
    """
    code = _BEGIN.format(imports=imports, num_bytes=num_bytes, work=work)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=limit_s, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
