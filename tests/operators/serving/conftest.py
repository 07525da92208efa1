"""Workers of these tests have a runtime that does what it is told; none of them outlives a test."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.serving.faulty_bundles import install_faulty

_PATIENCE_S = 20.0


@pytest.fixture(scope="session")
def faulty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_faulty(tmp_path_factory.mktemp("site"))


@pytest.fixture(autouse=True)
def nothing_is_left(
    faulty_site: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Whatever a test starts has ended with it, and its descriptors are closed."""
    monkeypatch.setenv("PYTHONPATH", str(faulty_site))
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    yield
    if request.node.get_closest_marker("integration"):
        return  # the session's servers start when they are first used, and MLflow keeps connections
    if "ray" in sys.modules:
        return  # the session's Ray has processes and descriptors of its own, which come and go
    end_s = time.monotonic() + _PATIENCE_S
    while _left(before, descriptors) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert _left(before, descriptors) == []


def _left(before: set[int], descriptors: int) -> list[object]:
    """Processes that were not there before, and how many descriptors more are open."""
    processes = psutil.Process().children(recursive=True)
    more = len(list(Path("/proc/self/fd").iterdir())) - descriptors
    return [*(each for each in processes if each.pid not in before), *[more] * (more > 0)]
