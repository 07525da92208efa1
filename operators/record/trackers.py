"""Where no server keeps runs: a tracker that forgets everything, a registry that says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.core.errors import ResourceError
from tasks.core.models import FetchedModel, ModelPackage, ModelRegistry, RegisteredModel

logger = logging.getLogger(__name__)


class NoModels:
    """Registers nothing, and says so; see `tasks.core.models.ModelRegistry`."""

    def register(self, package: ModelPackage) -> RegisteredModel:
        """Only say that there is no registry."""
        reason = "not registered: no MLflow server; set the profile's tracking_uri"
        logger.warning("model %s is %s", package.name, reason)
        return RegisteredModel(name=package.name, version=None, is_champion=False, reason=reason)

    def fetch(self, name: str, version: int | str, folder: Path) -> FetchedModel:  # noqa: ARG002
        """Only say that there are no models."""
        raise ResourceError(
            f"model {name} can't be fetched: no MLflow server; set the profile's tracking_uri"
        )

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """Only say that there are no runs."""
        raise ResourceError(
            f"{name} of MLflow run {run_id!r} can't be read: no MLflow server; set the profile's "
            "tracking_uri"
        )


class NullTracker:
    """Forgets everything; see `tasks.core.ports.Tracker`."""

    @property
    def models(self) -> ModelRegistry:
        """No registry."""
        return NoModels()

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record numbers."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record settings."""

    def log_figure(self, path: Path, name: str) -> None:
        """Record a picture."""

    def log_json(self, value: Any, name: str) -> None:
        """Record a JSON document."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""

    def log_child(
        self,
        name: str,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
        figures: Mapping[str, Path] | None = None,
    ) -> None:
        """Record a part of the stage."""

    def finish(self, status: str) -> None:
        """End the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
