"""Workers of these tests have a runtime that does what it is told; none of them outlives a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving.faulty_bundles import install_faulty
from tests.support.serving.leftovers import leftovers


@pytest.fixture(scope="session")
def faulty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_faulty(tmp_path_factory.mktemp("site"))


@pytest.fixture(autouse=True)
def nothing_is_left(
    faulty_site: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Whatever a test starts has ended with it, and its descriptors are closed."""
    monkeypatch.setenv("PYTHONPATH", str(faulty_site))
    wait = leftovers()
    yield
    if request.node.get_closest_marker("integration"):
        return  # the session's servers start when they are first used, and MLflow keeps connections
    assert wait() == []
