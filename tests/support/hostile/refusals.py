"""How input that means harm, or just is odd, must be met."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.core.errors import OrreryError

LIMIT_S = 5.0
_opened: list[str] | None = None


@contextmanager
def refused(*named: str, outside: Path | None = None, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Expect that what runs inside is refused with a sentence, soon, without a look outside.

    Args:
        named: What the sentence must name: the param, the file, the item.
        outside: Folder that must not be opened.
        limit_s: Seconds that it may take.
    """
    begun_s = time.monotonic()
    with watching() as opened, pytest.raises(OrreryError) as caught:
        yield
    assert time.monotonic() - begun_s < limit_s
    check_sentence(str(caught.value), *named)
    assert outside is None or not [path for path in opened if path.startswith(str(outside))]


def check_sentence(said: str, *named: str) -> None:
    """Check that a message names what it is about, and says more than that."""
    for name in named:
        assert name in said
    assert len(said) < 2000, "a message is to be read"
    assert re.search(r"[:;,(] ?\S+ \S+", said), said
    assert "Traceback" not in said


@contextmanager
def memory_limit(num_bytes: int = 600_000_000) -> Iterator[None]:
    """Let this process have only so much more memory than it has."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def watching() -> Iterator[list[str]]:
    """Paths that this process opens or lists meanwhile."""
    global _opened
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event in ("open", "os.listdir", "os.scandir"):
        _opened.append(str(arguments[0]))


sys.addaudithook(_hook)
