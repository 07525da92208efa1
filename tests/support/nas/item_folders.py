"""An item's folder without a store: files in one local folder, and arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tasks.core.records import FileRef
from tasks.nas.data.raw_images import LabelledImages
from tests.support.learning.line import Folder


class LocalFolder(Folder):
    """What `tasks.core.ports.ItemFolder` promises, as far as trainings use it."""

    def __init__(self, path: Path, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        super().__init__(path)
        self._arrays = arrays or {}

    def add(self, name: str) -> FileRef:
        num_bytes = (self.path / name).stat().st_size
        return FileRef(uri=name, sha256="0" * 64, num_bytes=num_bytes)

    def fetch(self, file: FileRef) -> Path:
        return self.path / file.uri

    def array(self, name: str) -> np.ndarray:
        return self._arrays[name]


def arrays_of(splits: Mapping[str, LabelledImages]) -> dict[str, np.ndarray]:
    """Splits as `tasks.nas.training.shared_images.shared_arrays` loads them."""
    arrays = {}
    for name, images in splits.items():
        arrays[f"{name}_labels"] = images.labels
        arrays[f"{name}_{images.pixels.shape[1]}"] = images.pixels
    return arrays
