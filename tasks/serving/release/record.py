"""What releases made of a model's routing, and which of them holds it now.

The server keeps it, across restarts, and it stands above the settings: a version that was promoted
answers whoever names none. While a release holds a model, its candidate is loaded, asked everything
beside (as a shadow), and given its share; no other release can take the model meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from tasks.core.records import Record
from tasks.serving.config import PER_MILLE, ModelConfig
from tasks.serving.types import Code, RequestError

STABLE: Final = "stable"
CANDIDATE: Final = "candidate"
_MAX_NOTE: Final = 64_000
_MAX_SHOWN: Final = 500


class Asked(Record):
    """What a release asks of a model's routing.

    Attributes:
        holder: Name of the release.
        candidate: The version that it releases; None to end.
        share: Requests of those who name no version that it gets, per mille.
        stable: The version that answers the others from now on; None for the one that does.
        note: What the release keeps with it: how far it is, and what it decided.
    """

    schema_id = "serving.asked/1"

    holder: str = Field(pattern=r"^[A-Za-z0-9_.~:+-]{1,250}$")
    candidate: int | None = Field(default=None, ge=0, lt=2**63)
    share: int = Field(default=0, ge=0, lt=PER_MILLE)
    stable: int | None = Field(default=None, ge=0, lt=2**63)
    note: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.candidate is None and self.share:
            raise ValueError("share: expected 0 where there is no candidate")
        if len(json.dumps(self.note)) > _MAX_NOTE:
            raise ValueError(f"note: expected at most {_MAX_NOTE} letters of JSON")
        return self


class Release(Record):
    """How a model is routed.

    Attributes:
        source: Registry or folder that the versions are of; of another one it says nothing.
        stable: The version that answers whoever names none; None before anything was promoted.
        candidate: The version that is being released; None if none is.
        share: What it gets, per mille.
        holder: Name of the release that holds the model, or did last; empty before the first.
        note: What that release keeps.
    """

    schema_id = "serving.release/1"

    source: str = ""
    stable: int | None = None
    candidate: int | None = None
    share: int = 0
    holder: str = ""
    note: dict[str, Any] = Field(default_factory=dict)

    @property
    def versions(self) -> frozenset[int]:
        """Versions that must be served for it."""
        return frozenset({self.stable, self.candidate} - {None})  # type: ignore[arg-type]

    def told(self, usual: int | None) -> bytes:
        """It as JSON; before anything was promoted, the version that answers stands as stable."""
        stable = usual if self.stable is None else self.stable
        return self.model_copy(update={"stable": stable}).model_dump_json().encode()

    def take(self, asked: Asked, usual: int | None) -> Release:
        """What it is once a release has its way.

        Args:
            asked: What the release asks.
            usual: The version that answers now whoever names none.

        Raises:
            RequestError: ABORTED, another release holds the model; FAILED_PRECONDITION, the stable
                version can't be the one that is asked for.
        """
        ends = asked.candidate is None
        if self.holder != asked.holder and (self.candidate is not None or ends):
            raise RequestError(Code.ABORTED, self._held(asked.holder))
        stable = usual if self.stable is None else self.stable
        wanted = stable if asked.stable is None else asked.stable
        if asked.stable not in (None, stable, self.candidate):
            raise RequestError(
                Code.FAILED_PRECONDITION,
                f"stable: expected the version that answers, {stable}, or the candidate, "
                f"{self.candidate}, got {wanted}; release it first",
            )
        changed = {"stable": wanted, "candidate": asked.candidate, "share": asked.share}
        return self.model_copy(update=changed | {"holder": asked.holder, "note": asked.note})

    def _held(self, other: str) -> str:
        if self.candidate is None:
            return f"the release {other!r} holds nothing; the last one was {self.holder!r}"
        return (
            f"the release {self.holder!r} holds this model, for version {self.candidate}: wait for "
            f'it; if nobody goes on with it, end it: PUT {{"holder": "{self.holder}"}}'
        )


def settings_of(settings: ModelConfig, release: Release) -> ModelConfig:
    """A model's settings as a release changes them: who is called what, and gets which share."""
    if not release.versions:
        return settings
    told = {STABLE: release.stable, CANDIDATE: release.candidate}
    labels = settings.labels | {name: each for name, each in told.items() if each is not None}
    shadow = settings.shadow if release.candidate is None else CANDIDATE
    if release.stable is None:
        return replace(settings, labels=labels, shadow=shadow)
    share = release.share
    split = {STABLE: PER_MILLE - share, CANDIDATE: share} if share else {}
    default = "" if split else STABLE
    return replace(settings, labels=labels, shadow=shadow, split=split, default_label=default)


def origin_of(settings: ModelConfig) -> str:
    """Where a model's versions are from; numbers mean other versions elsewhere."""
    return settings.registry or settings.folder


def read_asked(body: bytes) -> Asked:
    """Read what a release asks.

    Raises:
        RequestError: INVALID_ARGUMENT, it is none.
    """
    try:
        return Asked.model_validate_json(body, strict=True)
    except ValidationError as error:
        told = f"expected a release as JSON: {error}"[:_MAX_SHOWN]
        raise RequestError(Code.INVALID_ARGUMENT, told) from error


def read_kept(body: bytes, settings: ModelConfig) -> Release:
    """Read what was kept of a model's releases; one of another source says nothing.

    Raises:
        ValidationError: It is none.
    """
    kept, source = Release.model_validate_json(body), origin_of(settings)
    return kept if kept.source == source else Release(source=source)
