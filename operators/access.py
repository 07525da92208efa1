"""How a server is reached: what a client shows it, and whose certificates it believes.

All of it stands in the environment of the process, under the names that the official clients of
MLflow and Ray read, and nowhere else: no profile, argument, record or message holds a secret.

| variable | what it is |
| --- | --- |
| ``MLFLOW_TRACKING_USERNAME``, ``MLFLOW_TRACKING_PASSWORD`` | the login at MLflow |
| ``MLFLOW_TRACKING_TOKEN`` | a bearer token instead of them |
| ``MLFLOW_TRACKING_SERVER_CERT_PATH`` | certificates that are believed of MLflow alone |
| ``MLFLOW_TRACKING_INSECURE_TLS`` | ``true``: any certificate is believed of MLflow |
| ``RAY_AUTH_MODE=token`` | Ray asks for a token, which stands in the first of: |
| ``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH``, ``~/.ray/auth_token`` | text, file, file |
| ``ORRERY_SERVING_TOKEN`` | who may change the routing of models at their server |
| ``REQUESTS_CA_BUNDLE``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` | certificates of all servers |
"""

from __future__ import annotations

import base64
import functools
import os
import re
import ssl
from pathlib import Path

import httpx

from tasks.core.errors import ConfigError, ResourceError

MLFLOW_BUNDLE = "MLFLOW_TRACKING_SERVER_CERT_PATH"
SERVING_TOKEN = "ORRERY_SERVING_TOKEN"  # noqa: S105 - the variable's name
_INSECURE = "MLFLOW_TRACKING_INSECURE_TLS"
_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
# A user at a web server, or a user with a password anywhere (an Azure container is no user).
_LOGIN = re.compile(r"(?i)(?<=http://|ttps://)[^/?#]*@|(?<=://)[^/?#@]*:[^/?#]*@")


def mlflow_login() -> dict[str, str]:
    """Headers that name this process to MLflow; none where the environment holds no login."""
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return _bearer(token, "MLFLOW_TRACKING_TOKEN") if token else {}


def ray_login(token: Path | None = None) -> dict[str, str]:
    """Headers that name this process to Ray; none where the cluster asks for no token.

    Args:
        token: File of the token; what the environment names if None.

    Raises:
        ResourceError: The token can't be read.
    """
    if token is None:
        if os.environ.get("RAY_AUTH_MODE") != "token":
            return {}
        if given := os.environ.get("RAY_AUTH_TOKEN"):
            return _bearer(given, "RAY_AUTH_TOKEN")
        token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()
    try:
        return _bearer(token.read_text(), str(token))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ResourceError(f"can't read Ray's token file {token}: {reason}") from error


def serving_login() -> dict[str, str]:
    """Headers that let this process change how models are served; none without a token."""
    token = os.environ.get(SERVING_TOKEN)
    return _bearer(token, SERVING_TOKEN) if token else {}


def trust(mlflow: bool = False) -> ssl.SSLContext | bool:
    """What to check a server's certificate by: the environment's bundle, else the public ones.

    Args:
        mlflow: Whether the server is MLflow, which has variables of its own.

    Raises:
        ResourceError: A variable names no file or folder of certificates.
    """
    if mlflow and os.environ.get(_INSECURE, "").lower() in ("true", "1"):
        return False
    name, path = bundle(mlflow)
    try:
        return _context(path)
    except OSError as error:  # of ssl, too
        raise ResourceError(
            f"{name}: expected a file or folder of certificates (PEM), got {path!r}: "
            f"{error.strerror or error}"
        ) from error


def bundle(mlflow: bool = False) -> tuple[str, str]:
    """The variable that names the certificates to believe, and their path; empty if none does."""
    for name in (MLFLOW_BUNDLE, *_BUNDLES) if mlflow else _BUNDLES:
        if os.environ.get(name):
            return name, os.environ[name]
    return "", ""


def check_trust(server: str, error: httpx.HTTPError) -> None:
    """Raise what trying again would not mend: the server's certificate is not believed.

    Args:
        server: Name of the server, in messages.
        error: Why it was not reached.

    Raises:
        ResourceError: Its certificate is not believed.
    """
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise ResourceError(
            f"{server} shows a certificate that this process does not believe ({error}): name the "
            "file of your authority's certificates in REQUESTS_CA_BUNDLE, in the environment of "
            "Airflow and of the Ray nodes"
        ) from error


def refuse_login(name: str, address: str) -> None:
    """Refuse an address that holds a login: addresses are shown, logged and recorded.

    Args:
        name: Setting that holds the address, in the message.
        address: An address, or a path.

    Raises:
        ConfigError: It holds a user or a password.
    """
    if _LOGIN.search(address):
        raise ConfigError(
            f"{name}: expected an address without a user and a password, got "
            f"{_LOGIN.sub('…@', address)!r}; set them in the environment of Airflow and of the "
            "Ray nodes (operators/access.py names the variables)"
        )


def _bearer(token: str, name: str) -> dict[str, str]:
    """A header with a token, whose value no library then has to quote in an error."""
    token = token.strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise ResourceError(f"{name}: expected a token of printable ASCII without spaces")
    return {"Authorization": f"Bearer {token}"}


@functools.cache
def _context(path: str) -> ssl.SSLContext:
    """Read certificates once a process: it takes longer than a call."""
    if not path:
        return httpx.create_ssl_context(trust_env=False)
    if Path(path).is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
