"""Environments of their own for libraries whose dependencies clash with ours.

They are made once, outside the repository, and kept: a folder per set of requirements.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tasks.core.errors import ResourceError

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv/bin/uv"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "orrery-tests"
_MAKING_S = 1200


def environment(name: str, *requirements: str) -> Path:
    """Python of an environment that holds the requirements."""
    mark = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
    folder = _CACHE / f"{name}-{mark}"
    python = folder / "bin/python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run(UV, "venv", "-q", "--python", "3.11", folder)
        _run(UV, "pip", "install", "-q", "--python", python, *requirements)
        (folder / "ready").touch()
    return python


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
