"""An item's folder without a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tasks.core.records import FileRef
from tasks.report.picture import encode
from tests.support.learning.line import Folder


class ItemFolder(Folder):
    """What `tasks.core.ports.ItemFolder` promises, as far as items here use it."""

    def __init__(self, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(path)
        self._arrays = arrays

    def add(self, name: str) -> FileRef:
        num_bytes = (self.path / name).stat().st_size
        return FileRef(uri=name, sha256="0" * 64, num_bytes=num_bytes)

    def add_picture(self, name: str, picture: np.ndarray | bytes) -> FileRef:
        (self.path / name).write_bytes(encode(picture, name))
        return self.add(name)

    def fetch(self, file: FileRef) -> Path:
        return self.path / file.uri

    def array(self, name: str) -> np.ndarray:
        return self._arrays[name]
