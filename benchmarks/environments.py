"""Environments of their own for peers: libraries whose dependencies clash with ours.

What each holds is pinned and hashed in ``requirements/peers/<name>.lock``, which `make lock` makes
from ``<name>.in``. An environment is made once, outside the repository, and kept: a folder for each
content of a lock file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from filelock import FileLock

from operators.installation import ROOT
from tasks.core.digests import file_digest
from tasks.core.errors import ResourceError

UV = ROOT / ".venv/bin/uv"
PEERS = ROOT / "requirements/peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "orrery-peers"
_READY = "ready"  # written last: an environment without it was interrupted, and is made again
_MAKING_S = 1200


def environment(name: str) -> Path:
    """Python of a peer's environment; it is made if it isn't there.

    Args:
        name: Name of its lock file in ``requirements/peers``.

    Raises:
        ResourceError: There is no such lock file, or what it names can't be installed.
    """
    lock = PEERS / f"{name}.lock"
    if not lock.is_file():
        raise ResourceError(f"{lock}: expected the lock file of a peer; write {name}.in, make lock")
    folder = CACHE / f"{name}-{file_digest(lock)[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.making", timeout=2 * _MAKING_S):
        if not (folder / _READY).exists():
            _make(folder, lock)
    return folder / "bin/python"


def _make(folder: Path, lock: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    _run(UV, "venv", "-q", "--python", "3.11", folder)
    python = folder / "bin/python"
    _run(UV, "pip", "install", "-q", "--require-hashes", "--python", python, "-r", lock)
    (folder / _READY).touch()


def run_there(python: Path, script: Path, *arguments: str, **variables: str) -> Any:
    """Run a script in an environment and return the JSON that its last line prints."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        [python, script, *arguments],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode:
        raise ResourceError(done.stderr[-4000:])
    return json.loads(done.stdout.splitlines()[-1])


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_MAKING_S, check=False)
    if done.returncode:
        raise ResourceError(done.stderr[-4000:])
