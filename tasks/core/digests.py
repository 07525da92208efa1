"""Digests: what makes two values the same, wherever their files lie."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks.core.records import is_reference

_PLAIN = {str, float, int, bool, type(None)}


def digest(value: Any) -> str:
    """SHA-256 over the canonical JSON of a record or of plain JSON values.

    References (`FileRef`, `ArtifactRef`) count by their digest alone, so that moving a file
    invalidates nothing that was made from it.

    Returns:
        64 hexadecimal digits.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return hashlib.sha256(canonical_json(_without_places(value))).hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces; equal values give equal bytes.

    Raises:
        ValueError: A number is infinite or not a number.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        if is_reference(value):
            return {"sha256": value["sha256"]}
        return {
            key: each if type(each) in _PLAIN else _without_places(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [each if type(each) in _PLAIN else _without_places(each) for each in value]
    return value
