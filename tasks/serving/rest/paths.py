"""What an address of the REST interface asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tasks.serving.types import Code, RequestError

Verb = Literal["predict", "classify", "regress", "status", "metadata", "release"]
_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|/(?P<page>metadata|release))?"
)
_METHODS = {"status": ("GET",), "metadata": ("GET",), "release": ("GET", "PUT")}
_MAX_VERSION, _MAX_SHOWN = 2**63 - 1, 200


@dataclass(frozen=True, slots=True)
class Address:
    """An address, understood.

    Attributes:
        model: Name of the model.
        version: The version that is asked for; None for whichever answers.
        label: The label that is asked for; empty for none.
        verb: What is asked.
    """

    model: str
    version: int | None
    label: str
    verb: Verb


@lru_cache(maxsize=256)
def parse_path(method: str, path: str) -> Address:
    """Understand an address.

    Args:
        method: ``GET`` for status and metadata, ``PUT`` too for a release, else ``POST``.
        path: The path, unquoted.

    Raises:
        RequestError: INVALID_ARGUMENT, it is none of this interface.
    """
    found = _PATH.fullmatch(path)
    verb = (found["verb"] or found["page"] or "status") if found else ""
    if (
        found is None
        or method not in _METHODS.get(verb, ("POST",))
        or (verb == "release" and (found["version"] or found["label"]))
    ):
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Malformed request: {method} {path[:_MAX_SHOWN]}; expected GET "
            "/v1/models/NAME[/versions/N|/labels/LABEL][/metadata] or POST the same with :predict, "
            ":classify or :regress; or GET or PUT /v1/models/NAME/release",
        )
    number = int(found["version"][:20]) if found["version"] else None
    if number is not None and number > _MAX_VERSION:
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Failed to convert version: {found['version'][:_MAX_SHOWN]} to numeric; expected at "
            f"most {_MAX_VERSION}",
        )
    return Address(found["model"], number, found["label"] or "", verb)  # type: ignore[arg-type]
