"""Where versions come from: folders named by number, or MLflow's registry and its aliases."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from operators.installation import ROOT
from tasks.core.errors import ResourceError, TransientError
from tasks.core.files import user_path
from tasks.core.models import BUNDLE_FILE
from tasks.serving.config import ModelConfig
from tasks.serving.versions.folder import Folder, Listing

_FETCH = "operators.serving.models.fetch"


class Registry:
    """A registered model on an MLflow server.

    Versions are fetched by a process of their own: MLflow's client would take half as much memory
    as all else here.
    """

    def __init__(self, tracking_uri: str, name: str, kept: Path) -> None:
        """Ask nothing yet.

        Args:
            tracking_uri: Address of the server.
            name: Name of the registered model.
            kept: Folder below which bundles are kept that were fetched.
        """
        self._uri, self._name, self._kept = tracking_uri, name, kept / name

    def look(self) -> Listing:
        """Ask for versions and aliases; may take a while, on any thread.

        Raises:
            OrreryError: The server is away, or has no such model.
        """
        from operators.record.mlflow_api import MlflowApi

        with MlflowApi(self._uri) as api:
            versions, aliases = api.registered_versions(self._name)
        return Listing(frozenset(versions), aliases)

    async def fetch(self, version: int) -> Path:
        """Folder of a version's bundle, fetched unless it is kept, and not verified yet.

        Raises:
            TransientError: There is no such version, or the server is away.
        """
        folder = self._kept / str(version)
        if (folder / BUNDLE_FILE).is_file():
            return folder
        self.forget(version)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _FETCH, self._uri, self._name, str(version), str(folder)),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise TransientError(said.decode("utf-8", "replace").strip() or "fetching ended")
        return folder

    def forget(self, version: int) -> None:
        """Remove what was fetched of a version; on any thread."""
        shutil.rmtree(self._kept / str(version), ignore_errors=True)


Source = Folder | Registry


def source_of(settings: ModelConfig, tracking_uri: str, kept: Path) -> Source:
    """The source that a model's settings name.

    Raises:
        ResourceError: It is a registry, and the profile names no server.
    """
    if settings.folder:
        return Folder(user_path(settings.folder, "folder"))
    if not tracking_uri:
        raise ResourceError(
            f"model {settings.registry} is to come from MLflow, and the profile has no "
            "tracking_uri; name one, or a folder"
        )
    return Registry(tracking_uri, settings.registry, kept)
