"""Which code this process runs: one digest of all of it, so that a cluster's nodes can be compared.

The key of a result holds the code that made it, as the process reads it that looks for the result.
A node with other code would keep its results under other keys, or make something else under the
same one. So who submits names its digest, and the driver and the workers refuse a call from other
code than their own. Who submits on the same machine, from the same folder, reads the same files:
there is nothing to compare, and a file that is edited in between stops no run.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from operators.installation import ROOT
from tasks.core.errors import ResourceError

# What runs on a node; wiring and settings stay with who submits.
_PACKAGES = ("tasks", "operators")
_KINDS = {".py", ".j2"}
_VENDORED = "vendored"  # what `make assets` fetched for pages
_SHOWN = 12


def code_digest() -> str:
    """Digest of all code below `ROOT` that a node runs, as it stands on the disk now (10 ms)."""
    whole = hashlib.sha256()
    for path in _files():
        with suppress(FileNotFoundError, IsADirectoryError):  # an editor puts another in its place
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return whole.hexdigest()


def code_folder() -> str:
    """Which folder, of which machine, this process's code lies in; two containers' differ."""
    found = ROOT.stat()
    return f"{socket.gethostname()}:{found.st_dev}:{found.st_ino}"


def check_code(expected: str, whose: str, folder: str = "") -> None:
    """Refuse a call from other code than this process's own.

    Args:
        expected: Digest of the caller's code; empty where it did not say.
        whose: Who calls, in the message.
        folder: `code_folder` of the caller; empty where it did not say.

    Raises:
        ResourceError: The code differs; names both digests and what to do.
    """
    if folder == code_folder():
        return
    own = code_digest() if expected else ""
    if own != expected:
        raise ResourceError(
            f"node {socket.gethostname()} has other code in {ROOT} ({own[:_SHOWN]}) than {whose} "
            f"({expected[:_SHOWN]}): deploy the same image on all nodes, or run `make down` and "
            "`make up` again"
        )


def _files() -> Iterator[Path]:
    """All files of code; what editors keep beside them is hidden."""
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("[!.]*")):
            if path.suffix in _KINDS or _VENDORED in path.relative_to(ROOT).parts:
                yield path
