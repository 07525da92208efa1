"""The report of a transfer; and, marked slow, the whole pipeline on real photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, ResourceError
from tasks.core.export_note import NOTE
from tasks.core.records import ArtifactRef, FileRef
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.detection.pictures import detection_sheet
from tasks.nas.detection.scenes import draw_scenes
from tasks.nas.detection.types import Detections
from tasks.nas.stages.choose import choose_cells
from tasks.nas.stages.compare import compare_networks
from tasks.nas.stages.detect import detect_objects
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer.config import (
    ChooseConfig,
    CompareConfig,
    RegisterConfig,
    SizeConfig,
)
from tasks.nas.transfer.manifests import RegisteredModels, TransferredNetworks, TransferReport
from tests.support.nas.coco_files import from_lines
from tests.support.nas.transfer_results import detecting, model_entry, transferred
from tests.support.nas.transfer_runs import DETECT, LEFT_OUT, TRANSFER, prepare_config
from tests.support.real_data import real_data

Inputs = tuple[LocalRun, tuple[ArtifactRef, ArtifactRef, ArtifactRef]]
NAMES = ("nasnet_a", "resnet", "mobilenet_v2")
MODEL = model_entry("mobilenet_v2, large, scratch", 0.51)
ACCURACIES = {
    (name, size, group): (0.3 + 0.05 * n + 0.1 * k, 0.31 + 0.05 * n + 0.1 * k)
    for n, name in enumerate(NAMES)
    for k, size in enumerate(("small", "large"))
    for group in ("scratch", "from_cifar")
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("compare")
    local = LocalRun(folder / "store")
    images = draw_scenes(2, 32, 0)
    nothing = [Detections(*(np.zeros(n, np.float32) for n in ((0, 4), 0, 0)))] * 2
    (folder / "sheet.png").write_bytes(detection_sheet(images, nothing, 2, "all"))
    picture = FileRef(
        uri=(folder / "sheet.png").as_uri(),
        sha256=file_digest(folder / "sheet.png"),
        num_bytes=(folder / "sheet.png").stat().st_size,
    )
    detectors = detecting({name: (0.2, 0.2 + 0.05 * n) for n, name in enumerate(NAMES)}, picture)
    models = RegisteredModels(models=(MODEL,), num_models=1)
    records = (transferred(ACCURACIES), detectors, models)
    first, second, third = (local.put(record) for record in records)
    return local, (first, second, third)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported") / "out"


@pytest.fixture(scope="module")
def found(inputs: Inputs, exported: Path) -> TransferReport:
    local, refs = inputs
    config = CompareConfig(export_to=str(exported))
    return local.read(local.run(compare_networks, *refs, config=config), TransferReport)


def test_the_report_is_written_kept_and_copied(
    inputs: Inputs, found: TransferReport, exported: Path
) -> None:
    local, _ = inputs
    names = {"report.html", "report.md", "family.png", "detection.png", "cells.svg"}
    sheets = {f"detections_{name}.png" for name in NAMES}
    assert set(found.files) == names | sheets
    assert {path.name for path in exported.iterdir()} == {*found.files, NOTE}
    for name in found.files:
        if name.endswith(".png"):
            picture = cv2.imread(str(local.fetch(found.files[name])))
            assert picture is not None
            assert picture.std() > 5
    page = (exported / "report.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 5
    assert "transfer_cells-larger" in page


def test_figures_name_every_network(found: TransferReport) -> None:
    assert found.cells.name == "nasnet_a"
    assert found.figures["accuracy_resnet_large_scratch"] == pytest.approx(45.5)
    assert found.figures["map_mobilenet_v2"] == pytest.approx(25)
    assert found.figures["cells_minus_resnet_small_scratch"] == pytest.approx(-5)
    assert found.figures["cells_minus_resnet_small_scratch_se"] == pytest.approx(0, abs=1e-9)
    assert len(found.models) == 1


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(
    inputs: Inputs, tmp_path: Path
) -> None:
    local, refs = inputs
    (tmp_path / "file").write_text("in the way")
    config = CompareConfig(export_to=str(tmp_path / "file" / "out"))
    with pytest.raises(ResourceError, match=r"choose a writable folder .* compare\.export_to"):
        local.run(compare_networks, *refs, config=config)


@pytest.mark.usefixtures("found")
def test_the_report_of_other_cells_is_not_written_over(inputs: Inputs, exported: Path) -> None:
    local, refs = inputs
    config = CompareConfig(export_to=str(exported))
    before = (exported / "report.html").read_bytes()
    trained = local.read(refs[0], TransferredNetworks)
    other = trained.model_copy(update={"cells": trained.cells.model_copy(update={"name": "mine"})})
    with pytest.raises(ConfigError, match="whose cells is 'nasnet_a', this one's is 'mine'"):
        local.run(compare_networks, local.put(other), *refs[1:], config=config)
    assert (exported / "report.html").read_bytes() == before


@pytest.mark.slow
def test_real_photographs_go_all_the_way(tmp_path: Path) -> None:
    coco = real_data("coco256")
    parts = {"train": "train2017", "test": "val2017"}
    files = {f"{part}_images": str(coco / name) for part, name in parts.items()}
    files |= {
        f"{part}_annotations": str(from_lines(coco, name, tmp_path, num_images=40))
        for part, name in parts.items()
    }
    boxes = BoxesConfig(kind="coco", side_px=128, num_train=0, num_test=0, **files)
    prepared = prepare_config(
        tmp_path,
        data=str(real_data("imagenette_sub")),
        side_px=64,
        from_cifar=False,
        boxes=boxes,
    )
    local = LocalRun(tmp_path / "store")
    cells = local.run(choose_cells, config=ChooseConfig(genotype="amoebanet_a"))
    data = local.run(prepare_transfer, config=prepared)
    family = replace(
        TRANSFER, stem="imagenet", small=SizeConfig(2_000_000, 1), large=LEFT_OUT, num_images=200
    )
    networks = local.run(transfer_cells, cells, data, config=family)
    detecting = replace(
        DETECT,
        weights="small",
        num_seeds=1,
        detector=replace(DETECT.detector, finest_stride=8, anchor_px=24.0),
        recipe=replace(DETECT.recipe, num_steps=10),
    )
    detectors = local.run(detect_objects, networks, config=detecting)
    models = local.run(register_models, networks, config=RegisterConfig())
    config = CompareConfig(export_to=str(tmp_path / "out"))
    ref = local.run(compare_networks, networks, detectors, models, config=config)
    found = local.read(ref, TransferReport)
    assert found.cells.name == "amoebanet_a"
    assert "accuracy_amoebanet_a_small_scratch" in found.figures
    assert 0 <= found.figures["map_amoebanet_a"] <= 100
    assert found.models[0].model == "transfer_cells-imagenette_sub"
