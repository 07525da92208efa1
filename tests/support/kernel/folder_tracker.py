"""A tracker that writes into a folder what a stage records, so that tests can read it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operators.record.trackers import NullTracker


@dataclass(frozen=True)
class FolderTracker(NullTracker):
    """Writes ``events.jsonl`` and the pictures into a folder.

    Attributes:
        folder: Where everything goes; it is made when something comes.
    """

    folder: Path

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record numbers."""
        self._write({"metrics": dict(metrics), "step": step})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record settings."""
        self._write({"params": dict(params)})

    def log_figure(self, path: Path, name: str) -> None:
        """Copy a picture."""
        self._write({"figure": name})
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.folder / name)

    def log_json(self, value: Any, name: str) -> None:
        """Record a JSON document."""
        self._write({"json": value, "name": name})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        self._write({"tags": dict(tags)})

    def log_child(
        self,
        name: str,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
        figures: Mapping[str, Path] | None = None,
    ) -> None:
        """Write ``children/<name>/run.json`` and the child's pictures, over earlier ones."""
        child = self.folder / "children" / name
        child.mkdir(parents=True, exist_ok=True)
        record = {"params": dict(params), "metrics": dict(metrics), "tags": dict(tags or {})}
        (child / "run.json").write_text(json.dumps(record, default=str), encoding="utf-8")
        for figure, path in (figures or {}).items():
            (child / figure).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, child / figure)

    def finish(self, status: str) -> None:
        """End the run."""
        self._write({"status": status})

    def _write(self, event: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
