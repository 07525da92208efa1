"""Input that means harm, or just is odd: how it must be met, and what paths are odd."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.core.errors import OrreryError

LIMIT_S = 5.0
# Paths that no param may name, whatever the profile allows.
ODD_PLACES = {
    "the file system": "/",
    "dots up to it": "/tmp/../../..",
    "the kernel's insides": "/proc",
    "what the kernel links to": "/proc/self/root",
    "a process's memory": "/proc/self/mem",
    "a process's environment": "/proc/self/environ",
    "the hardware": "/sys/kernel",
    "an endless file": "/dev/zero",
    "standard input": "/dev/stdin",
    "a byte zero": "/data/a\0b",
    "a new line": "/data/a\nORRERY_RESULT []",
    "an escape sequence": "/data/\x1b[2J",
    "a line separator": "/data/a\u2028b",
    "what is no UTF-8": "/data/\udcff\udcfe",
    "5,000 characters": "/" + "x/" * 2500,
    "a long name": "/data/" + "x" * 300,
    "many long names in two bytes each": "/" + "/".join(["ü" * 100] * 25),
    "an unknown user": "~nouser/data",
    "a chain": "filecache::s3://bucket/x",
    "a chain to here": "zip://x::/etc/passwd",
    "a chain in the middle": "/data/a::b",
    "a file in an archive": "zip:///data/a.zip",
    "memory": "memory://x",
    "a page": "http://169.254.169.254/latest/meta-data",
    "a safe page": "https://example.com/x",
    "a repository": "github://org:repo@main/x",
    "another host": "ssh://host/x",
    "data in the name": "data://text/plain,x",
    "a reference file system": "reference://x",
    "a shell's name for a store": "S3://bucket/x",
    "a file's address without a path": "file://etc/passwd",
    "a file's address of the machine": "file:///proc/self/environ",
    "no bucket": "s3:///x",
    "dots in a key": "s3://bucket/data/../../other",
    "a dot in a key": "s3://bucket/./x",
    "escaped dots in a key": "s3://bucket/data/%2e%2e/other",
    "an empty folder in a key": "s3://bucket//other",
    "a version of a key": "s3://bucket/x?versionId=1",
    "a pattern of keys": "s3://bucket/*",
    "a fragment": "s3://bucket/x#y",
    "a backslash": "s3://bucket/data\\..\\other",
}

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
    with _watching() as opened, pytest.raises(OrreryError) as caught:
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
def _watching() -> Iterator[list[str]]:
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
