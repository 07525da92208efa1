"""What an address of the protocol asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from tasks.serving.types import Code, RequestError

Verb = Literal[
    "server", "live", "ready", "metadata", "model_ready", "config", "stats", "infer", "index",
    "load", "unload",
]  # fmt: skip
_MODEL: Final = re.compile(
    r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[0-9]{1,18}))?"
    r"(?:/(?P<verb>ready|config|stats|infer))?"
)
_REPOSITORY: Final = re.compile(r"/v2/repository/models/(?P<model>[^/]+)/(?P<verb>load|unload)")
_PAGES: Final[dict[str, Verb]] = {
    "/v2": "server",
    "/v2/": "server",
    "/v2/health/live": "live",
    "/v2/health/ready": "ready",
    "/v2/repository/index": "index",
    "/v2/models/stats": "stats",
}
_POST: Final = ("infer", "index", "load", "unload")
CHANGES: Final = ("load", "unload")  # by a token alone


@dataclass(frozen=True, slots=True)
class OipAddress:
    """An address, understood.

    Attributes:
        model: Name of the model; empty for all.
        version: The version that is asked for; None for whichever answers.
        verb: What is asked.
        label: None has one here.
    """

    model: str
    version: int | None
    verb: Verb
    label: str = ""


@lru_cache(maxsize=256)
def parse_path(method: str, path: str) -> OipAddress:
    """Understand an address.

    Raises:
        RequestError: INVALID_ARGUMENT, it is none of the protocol; UNIMPLEMENTED, it is one of
            tracing, logging or shared memory.
    """
    found = _parse(path)
    if found is None:
        raise RequestError(
            Code.UNIMPLEMENTED if path.startswith("/v2/") else Code.INVALID_ARGUMENT,
            f"Malformed request: {path[:200]}; expected /v2/models/NAME[/versions/N] with /infer, "
            "/ready, /config or /stats, /v2/health/live or ready, or /v2/repository/index",
        )
    wanted = "POST" if found.verb in _POST else "GET"
    if method not in (wanted, "HEAD" if wanted == "GET" else wanted):
        raise RequestError(
            Code.INVALID_ARGUMENT, f"expected {wanted} for {path[:200]}, got {method}"
        )
    return found


def _parse(path: str) -> OipAddress | None:
    if path in _PAGES:
        return OipAddress("", None, _PAGES[path])
    if found := _REPOSITORY.fullmatch(path):
        return OipAddress(found["model"], None, found["verb"])  # type: ignore[arg-type]
    found = _MODEL.fullmatch(path)
    if found is None:
        return None
    verb = {"ready": "model_ready", None: "metadata"}.get(found["verb"], found["verb"])
    number = int(found["version"]) if found["version"] else None
    return OipAddress(found["model"], number, verb)  # type: ignore[arg-type]
