"""Looks and dynamics as JSON, as the rows of a data set keep them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tasks.core.errors import DataError
from tasks.grasping.types import Dynamics, Look

_ValueT = TypeVar("_ValueT", Look, Dynamics)
_LOOK, _DYNAMICS = TypeAdapter(Look), TypeAdapter(Dynamics)


def look_json(look: Look | None) -> str:
    """Write a look; a world's own plain one as an empty text."""
    return "" if look is None else json.dumps(asdict(look))


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
