"""What the setting that names the cells means: a published name, a file or an MLflow run."""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from pathlib import PurePath

from tasks.core.errors import DataError
from tasks.core.files import split_part
from tasks.nas.space.genotype_file import FILE_SUFFIXES
from tasks.nas.space.published import ALL_PUBLISHED, published_name

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
    if _RUN_ID.fullmatch(wanted):
        return Source.RUN
    if "/" in wanted or PurePath(split_part(wanted)[0]).suffix in FILE_SUFFIXES:
        return Source.FILE
    if published_name(wanted):
        return Source.PUBLISHED
    near = difflib.get_close_matches(wanted.lower(), ALL_PUBLISHED, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise DataError(
        f"genotype {wanted!r}: expected one of {', '.join(ALL_PUBLISHED)}, the path of a file "
        f"({', '.join(FILE_SUFFIXES)}; FILE:NAME where it holds several genotypes), or the id of "
        f"an MLflow run (32 hexadecimal digits){meant}"
    )
