"""Plain copies of a report in a folder of the user's, and its trials as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from tasks.core.errors import ResourceError
from tasks.core.files import copy_whole
from tasks.nas.manifests import SearchLog, Trial


def trials_csv(log: SearchLog) -> str:
    """All ends of all searches, one a row, in the order in which searches were told."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*Trial.model_fields], lineterminator="\n")
    writer.writeheader()
    writer.writerows(trial.model_dump() for trial in log.trials)
    return text.getvalue()


def copy_files(files: Mapping[str, Path], folder: Path, setting: str = "report.export_to") -> None:
    """Copy files into a folder under their names; each appears whole.

    Args:
        files: Local files by name.
        folder: Where to.
        setting: The setting that names the folder, for the message.

    Raises:
        ResourceError: The folder can't be written.
    """
    for name, source in files.items():
        try:
            copy_whole(source, folder / name)
        except OSError as error:
            raise ResourceError(
                f"{folder / name}: could not export ({error.strerror}); choose a writable folder "
                f"with free space as {setting}, or leave it empty"
            ) from error
