"""Settings load from defaults, YAML and params, and load nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError
from tasks.core.params import load_config
from tasks.nas.transfer.config import TransferCellsConfig

ROOT = Path(__file__).resolve().parents[3]


def test_params_reach_their_settings() -> None:
    params = {"genotype": "amoebanet_a", "data": "/data", "boxes": "none", "from_cifar": False}
    config = load_config(TransferCellsConfig, ROOT / "configs" / "transfer_cells.yaml", params)
    assert config.choose.genotype == "amoebanet_a"
    assert config.prepare_transfer.data == "/data"
    assert config.prepare_transfer.boxes.kind == "none"
    assert not config.prepare_transfer.from_cifar
    given = {"data": "/data", "transfer.small.mult_adds": 7}
    nested = load_config(TransferCellsConfig, None, given)
    assert nested.transfer.small.mult_adds == 7
    assert nested.transfer.small.num_cells == TransferCellsConfig().transfer.small.num_cells


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"transfer.small.mult_adds": -1}, r"transfer\.small\.mult_adds: .*greater than or equal"),
        ({"transfer.smal.mult_adds": 1}, r"unknown setting .*did you mean 'transfer\.small\.mult"),
        ({"register.models": "a b"}, r"register\.models: .*pattern"),
        ({"boxes": "voc"}, r"boxes: .*'none', 'scenes' or 'coco'"),
    ],
)
def test_wrong_params_are_refused_by_name(params: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_config(TransferCellsConfig, None, params)


def test_settings_load_neither_torch_nor_other_heavy_libraries() -> None:
    heavy = ("torch", "torchvision", "faster_coco_eval", "cv2", "matplotlib", "scipy")
    probe = (
        "import sys, tasks.nas.config, tasks.nas.transfer.config, tasks.nas.transfer.manifests\n"
        f"print(sorted({set(heavy)!r} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", probe]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
