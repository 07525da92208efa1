"""The newest checkpoint of a long item, so that a try that was cut off is gone on with.

It stands apart from the items, under the item's key: other settings or other code don't find
it, and `make prune` removes what was abandoned.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from operators.storage import TRAINING, Storage, flush, storage_errors


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
        """Return a local path of the file; None if there is none.

        Args:
            target: Where to copy it to if it is not on this machine.
        """
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
        with storage_errors(self._path):
            if not self.storage.is_local:
                self.storage.fs.put_file(str(path), self._path)
                return
            kept = Path(self._path)
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_name(f".{uuid.uuid4().hex}")
            try:
                shutil.copyfile(path, partial)
                flush(partial)
                partial.replace(kept)
                flush(kept.parent)
            finally:
                partial.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove it, if it is there."""
        with storage_errors(self._path), suppress(FileNotFoundError):
            self.storage.remove(f"{TRAINING}/{self.key}")

    @property
    def _path(self) -> str:
        return self.storage.path(f"{TRAINING}/{self.key}/checkpoint")
