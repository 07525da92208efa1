"""Where versions come from: folders named by number, or MLflow's registry and its aliases."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operators.installation import ROOT
from tasks.core.errors import DataError, ResourceError, TransientError
from tasks.core.files import user_path
from tasks.core.models import BUNDLE_FILE
from tasks.serving.config import ModelConfig

_MAX_VERSION = 2**63
_FETCH = "operators.serving.models.fetch"


@dataclass(frozen=True)
class Listing:
    """What a source has.

    Attributes:
        versions: Numbers of the versions.
        aliases: Version of each alias.
    """

    versions: frozenset[int]
    aliases: Mapping[str, int] = field(default_factory=dict)


class Folder:
    """A folder of versions, each a bundle in a folder named by its number."""

    def __init__(self, folder: Path) -> None:
        """Look nowhere yet."""
        self._folder = folder

    def look(self) -> Listing:
        """Look which there are; may take a while, on any thread.

        Raises:
            TransientError: The folder is away; what was there may still be.
        """
        return Listing(frozenset(self._versions()))

    async def fetch(self, version: int) -> Path:
        """Folder of a version's bundle, which is not verified yet.

        Raises:
            DataError: There is no such version.
        """
        found = self._versions()
        if version not in found:
            raise DataError(f"{self._folder}: expected a folder {version} with a {BUNDLE_FILE}")
        return found[version]

    def forget(self, version: int) -> None:
        """Remove what was fetched of a version: nothing, the folder is its owner's."""

    def _versions(self) -> dict[int, Path]:
        try:
            entries = [each for each in self._folder.iterdir() if _is_number(each.name)]
        except OSError as error:
            raise TransientError(
                f"{self._folder}: expected a folder of versions, it can't be read: "
                f"{error.strerror}; what was loaded from it serves on"
            ) from error
        return {int(each.name): each for each in entries if (each / BUNDLE_FILE).is_file()}


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


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and int(name) < _MAX_VERSION
