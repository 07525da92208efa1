"""The trials of a search as a table."""

from __future__ import annotations

import csv
import io

from tasks.nas.manifests import SearchLog, Trial


def trials_csv(log: SearchLog) -> str:
    """All ends of all searches, one a row, in the order in which searches were told."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*Trial.model_fields], lineterminator="\n")
    writer.writeheader()
    writer.writerows(trial.model_dump() for trial in log.trials)
    return text.getvalue()
