"""JSON of unknown origin: how much memory its values take is estimated before they are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.core.errors import DataError
from tasks.core.files import read_text, shown
from tasks.intake.memory import check_room

_BYTES_PER_VALUE = 100  # of a value in memory; an empty object takes 72 and its place


def read_json(path: Path, max_bytes: int, what: str) -> Any:
    """Read a file as JSON; see `read_bytes` and `parse_json`."""
    return parse_json(read_text(path, max_bytes, what), shown(path), what)


def parse_json(text: str, where: str, what: str) -> Any:
    """Parse JSON whose values fit into memory.

    Args:
        text: The document.
        where: Where it comes from, for messages.
        what: What it should be, for messages.

    Raises:
        DataError: It is no JSON, nests too deeply, or holds NaN, which JSON doesn't know.
        ResourceError: Its values need more memory than there is.
    """
    num_values = sum(map(text.count, ",[{"))
    check_room(num_values * _BYTES_PER_VALUE, f"{where}: its {num_values:,} values")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise DataError(f"{where}: expected {what}: {error}") from error
    except RecursionError:
        raise DataError(f"{where}: expected {what}, got JSON that nests too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")
