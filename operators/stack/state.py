"""The folder of databases, logs and secrets: everything that is neither code nor a result.

Nobody but its owner enters it; secrets in it are made on first use.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet

from operators.installation import ROOT, STATE_FOLDER
from tasks.core.files import whole_file

STATE = Path(os.environ.get(STATE_FOLDER, ROOT / ".state"))


def open_state() -> Path:
    """Return the folder, made if need be; it is closed to others whatever it was before."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close(STATE)
    return STATE


def ray_token() -> Path:
    """File of the token that Ray asks for."""
    return _kept("ray_token", lambda: secrets.token_hex(32))


def serving_token() -> Path:
    """File of the token that lets releases route models."""
    return _kept("serving_token", lambda: secrets.token_hex(32))


def passwords() -> Path:
    """File of the UI's passwords."""
    return _kept(
        "airflow_passwords.json",
        lambda: json.dumps({user: secrets.token_urlsafe(15) for user in ("admin", "viewer")}),
    )


def airflow_keys() -> dict[str, str]:
    """Keys that Airflow's processes share: ``fernet``, ``api`` and ``jwt``."""

    def fresh() -> str:
        keys = {name: secrets.token_hex(32) for name in ("api", "jwt")}
        return json.dumps({"fernet": Fernet.generate_key().decode()} | keys)

    return dict(json.loads(_kept("secrets.json", fresh).read_text()))


def _kept(name: str, fresh: Callable[[], str]) -> Path:
    """A file that only its owner can read."""
    path = open_state() / name
    if not path.exists():
        with suppress(FileExistsError), whole_file(path, is_new=True) as partial:  # the first wins
            partial.touch(0o600, exist_ok=False)
            partial.write_text(fresh())
    _close(path)
    return path


def _close(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        path.chmod(mode & 0o700)
