"""One bundle in all forms, which the tests of this folder only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.bundle.manifest import Bundle
from tests.support.bundle.models import scores


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    """Folder and record of a bundle that nobody changes."""
    folder = tmp_path_factory.mktemp("bundles") / "scores"
    return folder, scores(folder)
