"""Answers of the protocol that no model is asked for."""

from __future__ import annotations

import json
from typing import Any, Protocol

from tasks.serving.figures.page import Figures
from tasks.serving.oip import tell
from tasks.serving.oip.paths import OipAddress
from tasks.serving.oip.tensors import encode, invalid
from tasks.serving.types import Target, VersionStatus

_MAX_BODY = 10_000


class Told(Protocol):
    """A model, as far as it is told of."""

    def target(self, version: int | None, label: str, key: bytes) -> Target:
        """Who answers."""

    def status(self, version: int | None, label: str) -> tuple[VersionStatus, ...]:
        """How versions stand."""


class AllTold(Protocol):
    """All models of a server."""

    def model(self, name: str) -> Told:
        """The model of a name."""

    def models(self) -> tuple[str, ...]:
        """Names of the models."""


def page_of(address: OipAddress, models: AllTold, figures: Figures, body: bytes) -> bytes:
    """What an address tells; empty where it only says that it is so.

    Args:
        address: The address.
        models: The models.
        figures: What is counted.
        body: What was sent.

    Raises:
        RequestError: There is no such model or version, or the body is none.
    """
    if address.verb == "server":
        return encode(tell.SERVER)
    if address.verb == "index":
        is_ready = _asked(body).get("ready") is True
        return encode(tell.index(_versions(address, models), is_ready=is_ready))
    if address.verb == "stats":
        rows = (
            (name, each.version, figures.summary(name, each.version))
            for name, each in _versions(address, models)
        )
        return encode(tell.statistics(rows))
    target = models.model(address.model).target(address.version, "", b"")
    if address.verb == "model_ready":
        return b""
    if address.verb == "config":
        curve = next(iter(target.bundle.networks.values())).curve
        max_size = max((size for size, _ in curve), default=1)
        return encode(tell.config(target.model, target.bundle, max_size))
    return encode(tell.metadata(target.model, {target.version}, target.bundle))


def _versions(address: OipAddress, models: AllTold) -> list[tuple[str, VersionStatus]]:
    names = (address.model,) if address.model else models.models()
    return [(n, each) for n in names for each in models.model(n).status(address.version, "")]


def _asked(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body[:_MAX_BODY] or b"{}")
    except (ValueError, RecursionError) as error:
        raise invalid(f"expected a JSON object: {error}") from error
    if not isinstance(found, dict):
        raise invalid(f"expected a JSON object, got {body[:50]!r}")
    return found
