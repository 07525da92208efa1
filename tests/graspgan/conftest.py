"""What the tests of stages share: one small run of them all, for all processes of the session."""

from __future__ import annotations

import pytest
from filelock import FileLock

from tests.support.graspgan.chain import Chain, run_chain


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    with FileLock(shared / "graspgan.lock"):
        return run_chain(shared / "graspgan")
