"""How a model stands at a moment: its versions, who answers whom, what was counted and decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tasks.serving.config import PER_MILLE, ModelConfig
from tasks.serving.figures.page import Figures
from tasks.serving.figures.summary import Summary
from tasks.serving.release.record import Release, settings_of
from tasks.serving.types import VersionFigures, VersionStatus


@dataclass(frozen=True)
class VersionStanding:
    """How a version stands.

    Attributes:
        status: Its state.
        figures: What it takes.
        summary: What was counted of it.
    """

    status: VersionStatus
    figures: VersionFigures
    summary: Summary


@dataclass(frozen=True)
class Standing:
    """How a model stands.

    Attributes:
        model: Its name.
        settings: Its settings.
        release: What releases made of them.
        labels: Version of each label.
        usual: The version that answers whoever names none; None if none does.
        away: Why its source can't be looked at; empty if it can.
        versions: Its versions, the newest first.
    """

    model: str
    settings: ModelConfig
    release: Release
    labels: Mapping[str, int]
    usual: int | None
    away: str
    versions: tuple[VersionStanding, ...]

    def share(self, version: int) -> int:
        """What a version gets of the requests that name none, per mille."""
        split = settings_of(self.settings, self.release).split
        if self.usual is None:
            return 0
        if not split:
            return PER_MILLE if version == self.usual else 0
        return sum(each for k, each in split.items() if self.labels.get(k, self.usual) == version)


class Routed(Protocol):
    """A model of a server, as far as it is told how it stands."""

    name: str
    settings: ModelConfig
    release: Release
    away: str

    @property
    def labels(self) -> Mapping[str, int]:
        """Version of each label."""

    @property
    def usual(self) -> int | None:
        """The version that answers whoever names none."""

    def status(self, version: int | None, label: str) -> tuple[VersionStatus, ...]:
        """How versions stand."""

    def figures(self) -> Iterable[VersionFigures]:
        """What they take."""


def standing_of(model: Routed, counted: Figures) -> Standing:
    """How a model stands now."""
    figures = {each.version: each for each in model.figures()}
    versions = (
        VersionStanding(
            each,
            figures.get(each.version) or VersionFigures(model.name, each.version),
            counted.summary(model.name, each.version),
        )
        for each in model.status(None, "")
    )
    return Standing(
        model.name,
        model.settings,
        model.release,
        model.labels,
        model.usual,
        model.away,
        tuple(versions),
    )
