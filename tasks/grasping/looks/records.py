"""Looks and dynamics as JSON, as the rows of a data set keep them."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tasks.core.errors import DataError
from tasks.grasping.types import Dynamics, Look

_ValueT = TypeVar("_ValueT", Look, Dynamics)
_LOOK, _DYNAMICS = TypeAdapter(Look), TypeAdapter(Dynamics)


def look_json(look: Look | None) -> str:
    """Write a look; a world's own plain one as an empty text.

    What most looks lack is left out of theirs: their texts stay those of earlier versions.
    """
    if look is None:
        return ""
    lacking = {each.name for each in fields(look) if getattr(look, each.name) == each.default}
    return json.dumps({name: value for name, value in asdict(look).items() if name not in lacking})


def parse_look(text: str) -> Look | None:
    """Read what `look_json` wrote.

    Raises:
        DataError: It is something else.
    """
    return _parse(_LOOK, text) if text else None


def dynamics_json(dynamics: Dynamics) -> str:
    """Write physical properties."""
    return json.dumps(asdict(dynamics))


def parse_dynamics(text: str) -> Dynamics:
    """Read what `dynamics_json` wrote.

    Raises:
        DataError: It is something else.
    """
    return _parse(_DYNAMICS, text)


def _parse(kind: TypeAdapter[_ValueT], text: str) -> _ValueT:
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"expected a recorded look or dynamics, got {text[:80]!r}: {error}"
        ) from error
