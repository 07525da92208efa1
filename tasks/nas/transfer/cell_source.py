"""What the setting that names the cells means: a published name, a file or an MLflow run."""

from __future__ import annotations

import difflib
import re
from enum import StrEnum

from tasks.core.errors import DataError
from tasks.nas.space.published import PUBLISHED

_RUN_ID = re.compile(r"[0-9a-f]{32}")


class Source(StrEnum):
    """Where a genotype comes from."""

    PUBLISHED = "published"
    FILE = "file"
    RUN = "run"


def source_of(wanted: str) -> Source:
    """Tell a name, a path and the id of a run apart.

    Raises:
        DataError: It is none of them.
    """
    if wanted in PUBLISHED:
        return Source.PUBLISHED
    if _RUN_ID.fullmatch(wanted):
        return Source.RUN
    if "/" in wanted or wanted.endswith(".json"):
        return Source.FILE
    near = difflib.get_close_matches(wanted, PUBLISHED, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise DataError(
        f"genotype {wanted!r}: expected one of {', '.join(PUBLISHED)}, the path of a JSON file, or "
        f"the id of an MLflow run (32 hexadecimal digits){meant}"
    )
