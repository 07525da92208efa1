"""A file of timm's weights becomes a backbone; what is none is refused with the setting's name."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import timm
import torch

from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.nas.models.sizes import BaselineSize
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.training.networks import build
from tasks.nas.transfer.timm_file import keep_timm
from tests.support.nas.transfer_runs import prepare_config


def keep(path: Path, folder: Path):
    local = LocalRun(folder / "store")
    context = local.context(prepare_transfer, config=prepare_config(folder))
    return context, keep_timm(path, context)


def test_weights_are_kept_under_the_names_of_the_network_here(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "resnet18.pth"
    state = timm.create_model("resnet18", num_classes=3).state_dict()
    torch.save(state, path)
    context, found = keep(path, tmp_path)
    assert found.name == "resnet18 of timm"
    assert found.genotype is None
    network = build(None, BaselineSize(**found.spec))
    network.load_state_dict(torch.load(context.scratch / found.weights.uri.rpartition("/")[2]))
    torch.testing.assert_close(network.get_parameter("stem.0.weight"), state["conv1.weight"])


def test_what_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    state = timm.create_model("resnet18").state_dict()
    del state["layer1.0.bn1.weight"]
    kinds = {
        "Missing key": lambda: torch.save(state, path),
        "expected a state dict, names": lambda: torch.save([torch.zeros(1)], path),
        "expected a state dict of timm": lambda: torch.save({"a": torch.zeros(1)}, path),
        "known: ": lambda: path.write_bytes(pickle.dumps(print, 2)),
        "no weights": lambda: path.write_bytes(b"text"),
    }
    for said, write in kinds.items():
        write()
        with pytest.raises(DataError, match=rf"(?s)prepare_transfer\.timm, weights\.pth: .*{said}"):
            keep(path, tmp_path)
