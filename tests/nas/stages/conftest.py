"""The servers of the session, and one small transfer that the stages behind it begin with."""

from __future__ import annotations

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.nas.stages.transfer import transfer_cells
from tests.support.nas.transfer_runs import TRANSFER, TransferRun, begun


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.support.kernel.servers")


@pytest.fixture(scope="session")
def transfer_run(tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("transfer")
    local = LocalRun(folder / "store", seed=3)
    cells, data = begun(local, folder)
    return TransferRun(local, cells, data, local.run(transfer_cells, cells, data, config=TRANSFER))
