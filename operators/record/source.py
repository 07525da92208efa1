"""Where a run's code came from, as MLflow shows it: entry point and git commit."""

from __future__ import annotations

import functools
import subprocess

from operators.installation import ROOT


def source_tags(entry: str) -> dict[str, str]:
    """Return the tags that name a run's entry point: a file, or ``module:function``."""
    return {"mlflow.source.name": entry, "mlflow.source.type": "LOCAL"}


@functools.cache
def git_tags() -> dict[str, str]:
    """Return the tags that name the commit, and whether files differ; none outside a clone."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    is_dirty = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": str(is_dirty).lower()}


def _git(*words: str) -> str:
    try:
        told = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
