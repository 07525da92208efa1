"""Where an item goes on that was cut off: one file beside what it has shown so far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from operators.store.storage import TRAINING, Storage, storage_errors


@dataclass(frozen=True)
class Checkpoint:
    """One file that is replaced as a whole.

    Attributes:
        storage: Where it is kept.
        key: Key of the item.
    """

    storage: Storage
    key: str

    def fetch(self, target: Path) -> Path | None:
        """Return a local path of the file, a copy if it is elsewhere; None if there is none."""
        with storage_errors(self._path):
            if self.storage.is_local:
                return Path(self._path) if Path(self._path).is_file() else None
            try:
                self.storage.fs.get_file(self._path, str(target))
            except FileNotFoundError:
                return None
        return target

    def save(self, path: Path) -> None:
        """Replace the file by a copy of another; a kill leaves the earlier one."""
        self.storage.write(self._file, path)

    def drop(self) -> None:
        """Remove it, if it is there."""
        with storage_errors(self._path), suppress(FileNotFoundError):
            self.storage.remove(f"{TRAINING}/{self.key}")

    @property
    def _path(self) -> str:
        return self.storage.path(self._file)

    @property
    def _file(self) -> str:
        return f"{TRAINING}/{self.key}/checkpoint"
