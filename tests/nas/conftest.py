"""One thread: small networks gain nothing from two, and lose much on a busy machine.

The same networks are scaled to the same costs by many tests; each is scaled once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import torch

from tasks.nas.training import candidates


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.support.s3")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def scaled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("scale_cells", "scale_baseline"):
            patch.setattr(candidates, name, cache(getattr(candidates, name)))
        yield
