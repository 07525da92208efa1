"""One small transfer, which the stages behind it begin with; it takes seconds."""

from __future__ import annotations

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.nas.stages.transfer import transfer_cells
from tests.support.nas.transfer_runs import TRANSFER, TransferRun, begun


@pytest.fixture(scope="session")
def transfer_run(tmp_path_factory: pytest.TempPathFactory) -> TransferRun:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("transfer")
    local = LocalRun(folder / "store", seed=3)
    cells, data = begun(local, folder)
    return TransferRun(local, cells, data, local.run(transfer_cells, cells, data, config=TRANSFER))
