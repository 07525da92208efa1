"""How a model stands at a moment: its versions, who answers whom, what was counted and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.serving.config import PER_MILLE, ModelConfig
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
