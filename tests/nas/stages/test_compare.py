"""The whole pipeline on tiny sets, and its report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from operators.local import LocalRun
from tasks.core.errors import ResourceError
from tasks.core.refs import ArtifactRef
from tasks.nas.stages.compare import compare_networks
from tasks.nas.stages.detect import detect_objects
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer_config import CompareConfig, RegisterConfig
from tasks.nas.transfer_manifests import TransferReport
from tests.support.transfer_runs import DETECT, LEFT_OUT, TRANSFER, begun

Inputs = tuple[LocalRun, tuple[ArtifactRef, ArtifactRef, ArtifactRef]]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("compare")
    local = LocalRun(folder / "store")
    refs = begun(local, folder, from_cifar=False)
    networks = local.run(transfer_cells, *refs, config=replace(TRANSFER, medium=LEFT_OUT))
    detectors = local.run(detect_objects, networks, config=replace(DETECT, num_seeds=1))
    models = local.run(register_models, networks, config=RegisterConfig())
    return local, (networks, detectors, models)


def test_the_report_is_written_kept_and_copied(inputs: Inputs, tmp_path: Path) -> None:
    local, refs = inputs
    config = CompareConfig(export_to=str(tmp_path / "out"))
    found = local.read(local.run(compare_networks, *refs, config=config), TransferReport)
    names = {"report.html", "report.md", "family.png", "detection.png", "cells.svg"}
    sheets = {f"detections_{n}.png" for n in ("nasnet_a", "resnet", "mobilenet_v2")}
    assert set(found.files) == names | sheets == {p.name for p in (tmp_path / "out").iterdir()}
    for name in found.files:
        if name.endswith(".png"):
            picture = cv2.imread(str(local.fetch(found.files[name])))
            assert picture is not None
            assert picture.std() > 5
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 5
    assert "transfer_cells-larger" in page


def test_figures_name_every_network(inputs: Inputs) -> None:
    local, refs = inputs
    found = local.read(local.run(compare_networks, *refs, config=CompareConfig()), TransferReport)
    assert found.cells.name == "nasnet_a"
    for name in ("nasnet_a", "resnet", "mobilenet_v2"):
        assert 0 <= found.figures[f"accuracy_{name}_large_scratch"] <= 100
        assert 0 <= found.figures[f"map_{name}"] <= 100
    assert "cells_minus_resnet_small_scratch_se" in found.figures
    assert len(found.models) == 1


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(
    inputs: Inputs, tmp_path: Path
) -> None:
    local, refs = inputs
    (tmp_path / "file").write_text("in the way")
    config = CompareConfig(export_to=str(tmp_path / "file" / "out"))
    with pytest.raises(ResourceError, match=r"choose a writable folder .* compare\.export_to"):
        local.run(compare_networks, *refs, config=config)
