"""Versions in folders: each a bundle, in a folder named by its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.models import BUNDLE_FILE
from tasks.serving.config import ModelConfig, ServingConfig

_MAX_VERSION = 2**63


@dataclass(frozen=True)
class Listing:
    """What a source of versions has.

    Attributes:
        versions: Numbers of the versions.
        aliases: Version of each alias.
    """

    versions: frozenset[int]
    aliases: Mapping[str, int] = field(default_factory=dict)


class Folder:
    """A folder of versions."""

    def __init__(self, folder: Path) -> None:
        """Look nowhere yet."""
        self._folder = folder

    def look(self) -> Listing:
        """Look which there are.

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


def models_below(folder: Path) -> ServingConfig:
    """Settings of all models below a folder.

    Raises:
        ConfigError: There is none.
    """
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    names = [each.name for each in there if any(each.glob(f"[0-9]*/{BUNDLE_FILE}"))]
    if not names:
        raise ConfigError(
            f"{folder}: expected folders of models that hold versions, as cells/1/{BUNDLE_FILE}; "
            "there are none, see CONTRIBUTING.md, Register a model"
        )
    return ServingConfig(models={each: ModelConfig(folder=str(folder / each)) for each in names})


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and int(name) < _MAX_VERSION
