"""Where a server keeps what releases made of its models: a file each, whole or as it was."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from tasks.core.files import whole_file
from tasks.serving.config import ModelConfig
from tasks.serving.release.record import Release, origin_of, read_kept

logger = logging.getLogger(__name__)


def keep_release(folder: Path, model: str, release: Release) -> None:
    """Keep how a model is routed.

    Raises:
        OSError: The disk does not take it; what was kept stays.
    """
    with whole_file(folder / f"{model}.json") as path:
        path.write_text(release.model_dump_json(), "utf-8")


def kept_release(folder: Path, model: str, settings: ModelConfig) -> Release:
    """How a model is routed, as it was kept; as its settings say where nothing was."""
    path = folder / f"{model}.json"
    try:
        return read_kept(path.read_bytes(), settings)
    except FileNotFoundError:
        pass
    except (OSError, ValidationError) as error:
        logger.warning("%s: expected a release: %s; the settings route the model", path, error)
    return Release(source=origin_of(settings))
