"""Files of MLflow's runs, below any artifact root that a server may have.

What lies at ``mlflow-artifacts:`` goes through a server, which keeps the store's credentials for
itself; that is MLflow's own way, and the one to choose. Under any other root (``s3:``, ``gs:``, a
folder that all nodes share) MLflow leaves the files to its clients: here fsspec writes them, with
the credentials that the node's environment holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import fsspec

from tasks.core.errors import ResourceError, TransientError
from tasks.core.files import whole_file

_SERVED = "/api/2.0/mlflow-artifacts/artifacts"
# Where MLflow's own client finds an S3 server that is not Amazon's.
_S3_SERVER = "MLFLOW_S3_ENDPOINT_URL"


def served_at(file: str, tracking_uri: str) -> str | None:
    """Return where a server keeps a run's file; None where clients reach the store themselves.

    Args:
        file: URI of the file, below the run's artifact root.
        tracking_uri: The MLflow server.

    Returns:
        A path on the tracking server, or the URL of another one that the root names.
    """
    root, server = urlsplit(file), urlsplit(tracking_uri)
    if root.scheme not in ("mlflow-artifacts", "http", "https"):
        return None
    path = f"{_SERVED}/{quote(root.path.rpartition(_SERVED)[2].lstrip('/'))}"
    if root.netloc in ("", server.netloc):
        return path
    scheme = server.scheme if root.scheme == "mlflow-artifacts" else root.scheme
    return f"{scheme}://{root.netloc}{path}"


def write_file(file: str, data: bytes) -> None:
    """Write a run's file straight into the store.

    Raises:
        ResourceError: A package for this kind of store is not installed.
        TransientError: The store did not take it.
    """
    with _translated(file):
        store, path = _open(file)
        if isinstance(path, Path):
            with whole_file(path) as partial:
                partial.write_bytes(data)
        else:
            store.pipe_file(path, data)


def read_file(file: str) -> bytes:
    """Read a run's file straight from the store.

    Raises:
        FileNotFoundError: There is none.
        ResourceError: A package for this kind of store is not installed.
        TransientError: The store can't be reached.
    """
    with _translated(file):
        store, path = _open(file)
        return path.read_bytes() if isinstance(path, Path) else bytes(store.cat_file(path))


def _open(file: str) -> tuple[Any, str | Path]:
    parts = urlsplit(file)
    if parts.scheme in ("", "file"):
        return None, Path(unquote(parts.path) if parts.scheme else file)
    options: Mapping[str, str] = {}
    if parts.scheme == "s3" and os.environ.get(_S3_SERVER):
        options = {"endpoint_url": os.environ[_S3_SERVER]}
    store, path = fsspec.core.url_to_fs(file, **options)
    return store, str(path)


@contextmanager
def _translated(file: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except ImportError as error:
        raise ResourceError(f"{file} can't be reached from here: {error}") from error
    except Exception as error:  # every store has errors of its own
        raise TransientError(f"can't reach {file}: {type(error).__name__}: {error}") from error
