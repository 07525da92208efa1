"""Cells taken to larger images and to detection, by the stages of `transfer_cells`.

They run in a process of one thread, on Tiny-ImageNet (50 classes, 32 px), with first weights from
CIFAR-10 (JPEG copies), and on generated scenes with known boxes. The recipe is small: figures
compare networks within this run and say nothing of what they reach when trained to the end.

``accuracy_<network>_<size>_<group>``: mean test accuracy over seeds, percent; ``scratch`` from
weights that are drawn, ``from_cifar`` from those that CIFAR gave. ``map_<backbone>``,
``ap50_<backbone>``: COCO's mAP and AP at IoU 0.5 on the test scenes, percent.
``cells_minus_<other>_<size>_<group>``, ``map_cells_minus_<other>``: differences in points, paired
by seed. Intervals are 95 % t intervals over the seeds. All networks of a comparison have equal
multiply-adds (5 %).

A run that was cut off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.own_process import OwnProcess
from benchmarks.parts import FOLDER
from benchmarks.results_file import RESULTS_DIR, Figure
from operators.stage.local import LocalRun
from tasks.nas.detection.config import BoxesConfig, DetectorConfig, DetectorTrainingConfig
from tasks.nas.stages.choose import choose_cells
from tasks.nas.stages.compare import compare_networks
from tasks.nas.stages.detect import detect_objects
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.training.config import TrainingConfig
from tasks.nas.transfer.config import (
    DetectConfig,
    PrepareTransferConfig,
    SizeConfig,
    TransferCellsConfig,
    TransferConfig,
)
from tasks.nas.transfer.manifests import TransferReport

STORE = FOLDER / "nas_transfer"
NUM_SEEDS = 3
_ENDS = ("_se", "_low", "_high")
_PICTURES = {"family.png": "nas_transfer_family.png", "detection.png": "nas_transfer_detection.png"}


def config_of(data: Path, num_seeds: int, *, quick: bool) -> TransferCellsConfig:
    """What is measured."""
    recipe = TrainingConfig(
        num_epochs=1 if quick else 3, batch_size=64, learning_rate=0.1, crop_px=2
    )
    return TransferCellsConfig(
        prepare_transfer=PrepareTransferConfig(
            data=str(data / "tiny_imagenet50"),
            side_px=32,
            num_validation=500,
            cifar=str(data / "cifar10"),
            num_cifar_validation=500,
            boxes=BoxesConfig(side_px=96, num_train=800, num_test=200),
        ),
        transfer=TransferConfig(
            small=SizeConfig(1_500_000, 1),
            medium=SizeConfig(3_000_000, 1),
            large=SizeConfig(6_000_000, 1),
            stem="cifar",
            num_images=500 if quick else 2500,
            num_seeds=num_seeds,
            recipe=recipe,
            cifar_num_images=500 if quick else 2500,
            cifar_recipe=replace(recipe, num_epochs=1),
        ),
        detect=DetectConfig(
            stem="cifar",
            mult_adds=26_000_000,
            num_cells=1,
            num_seeds=num_seeds,
            detector=DetectorConfig(finest_stride=4, num_levels=1, num_scales=3),
            recipe=DetectorTrainingConfig(num_steps=20 if quick else 300, learning_rate=3e-3),
        ),
    )


def measure(data: Path, *, quick: bool) -> dict[str, Figure]:
    """Run the pipeline's stages, or read what a run of them left.

    Args:
        data: Folder of the data sets.
        quick: Whether to run them small and with one seed, which says nothing but that they run.
    """
    config = config_of(data, 1 if quick else NUM_SEEDS, quick=quick)
    with OwnProcess() as process:
        measured, pictures = process.call(_run, config).value
    if not quick:
        for name, picture in pictures.items():
            (RESULTS_DIR / name).write_bytes(picture)
    return figures(measured)


def figures(measured: Mapping[str, float]) -> dict[str, Figure]:
    """Figures with their intervals."""
    return {
        name: Figure(
            value=value,
            unit="%" if "minus" not in name else "points",
            interval=_interval(name, measured),
        )
        for name, value in measured.items()
        if not name.endswith(_ENDS)
    }


def _run(config: TransferCellsConfig) -> tuple[Mapping[str, float], dict[str, bytes]]:
    """Figures and pictures of the stages' report."""
    local = LocalRun(STORE, seed=config.seed)
    cells = local.run(choose_cells, config=config.choose)
    data = local.run(prepare_transfer, config=config.prepare_transfer)
    networks = local.run(transfer_cells, cells, data, config=config.transfer)
    detectors = local.run(detect_objects, networks, config=config.detect)
    models = local.run(register_models, networks, config=config.register)
    compared = local.run(compare_networks, networks, detectors, models, config=config.compare)
    report = local.read(compared, TransferReport)
    pictures = {
        target: local.fetch(report.files[name]).read_bytes() for name, target in _PICTURES.items()
    }
    return report.figures, pictures


def _interval(name: str, measured: Mapping[str, float]) -> tuple[float, float] | None:
    low, high = measured.get(f"{name}_low"), measured.get(f"{name}_high")
    return None if low is None or high is None else (low, high)
