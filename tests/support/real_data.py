"""Real data for tests: found only through ``ORRERY_TEST_DATA``, skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]


def real_data(*parts: str) -> Path:
    """A folder of real data; skips the test where it does not exist."""
    root = Path(os.environ.get("ORRERY_TEST_DATA", _REPOSITORY.parent / "shared" / "data"))
    folder = root.joinpath(*parts)
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set ORRERY_TEST_DATA")
    return folder
