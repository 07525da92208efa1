"""Cells taken to larger images and to detection: ``python -m benchmarks.nas_transfer``.

Runs the stages of `transfer_cells` in this process, one thread, on Tiny-ImageNet (50 classes,
32 px), with first weights from CIFAR-10 (JPEG copies), and on generated scenes with known boxes.
The recipe is small: figures compare networks within this run and say nothing of what they reach
when trained to the end.

``accuracy_<network>_<size>_<group>``: mean test accuracy over seeds, percent; ``scratch`` from
weights that are drawn, ``from_cifar`` from those that CIFAR gave. ``map_<backbone>``,
``ap50_<backbone>``: COCO's mAP and AP at IoU 0.5 on the test scenes, percent.
``cells_minus_<other>_<size>_<group>``, ``map_cells_minus_<other>``: differences in points, paired
by seed, with 95 % t intervals. All networks of a comparison have equal multiply-adds (5 %).

A run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.bounds import print_table
from benchmarks.results_file import RESULTS_DIR, Figure, write_results
from operators.local import LocalRun
from tasks.nas.detection.recipe import DetectionRecipe, DetectorSettings
from tasks.nas.recipe import Recipe
from tasks.nas.stages.choose import choose_cells
from tasks.nas.stages.compare import compare_networks
from tasks.nas.stages.detect import detect_objects
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer_config import (
    BoxesConfig,
    DetectConfig,
    PrepareTransferConfig,
    SizeConfig,
    TransferCellsConfig,
    TransferConfig,
)
from tasks.nas.transfer_manifests import TransferReport

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("ORRERY_TEST_DATA", ROOT.parent / "shared" / "data"))
STORE = ROOT / "artifacts" / "bench" / "nas_transfer"
NUM_SEEDS = 3
_ENDS = ("_se", "_low", "_high")
_PICTURES = {"family.png": "nas_transfer_family.png", "detection.png": "nas_transfer_detection.png"}


def settings(data: Path, num_seeds: int, *, quick: bool) -> TransferCellsConfig:
    """What is measured."""
    recipe = Recipe(num_epochs=1 if quick else 3, batch_size=64, learning_rate=0.1, crop_px=2)
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
            num_images=500 if quick else 2500,
            num_seeds=num_seeds,
            recipe=recipe,
            cifar_num_images=500 if quick else 2500,
            cifar_recipe=replace(recipe, num_epochs=1),
        ),
        detect=DetectConfig(
            stem="cifar",
            mult_adds=25_000_000,
            num_seeds=num_seeds,
            detector=DetectorSettings(neck="fpn", finest_stride=4),
            recipe=DetectionRecipe(num_steps=20 if quick else 300, learning_rate=3e-3),
        ),
    )


def measure(config: TransferCellsConfig, store: Path) -> tuple[TransferReport, LocalRun]:
    """Run the pipeline's stages in this process."""
    local = LocalRun(store, seed=config.seed)
    cells = local.run(choose_cells, config=config.choose)
    data = local.run(prepare_transfer, config=config.prepare_transfer)
    networks = local.run(transfer_cells, cells, data, config=config.transfer)
    detectors = local.run(detect_objects, networks, config=config.detect)
    models = local.run(register_models, networks, config=config.register)
    report = local.run(compare_networks, networks, detectors, models, config=config.compare)
    return local.read(report, TransferReport), local


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nas_transfer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed; writes no results file")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--seeds", type=int, default=NUM_SEEDS, help="trainings of each network")
    given = parser.parse_args(arguments)
    seeds = range(1 if given.quick else given.seeds)
    config = settings(given.data, len(seeds), quick=given.quick)
    report, local = measure(config, STORE)
    found = figures(report.figures)
    print_table(found)
    if not given.quick:
        for name, target in _PICTURES.items():
            shutil.copyfile(local.fetch(report.files[name]), RESULTS_DIR / target)
        command = f"python -m benchmarks.nas_transfer --seeds {len(seeds)}"
        write_results("nas_transfer", command, seeds, found)
    return 0


def _interval(name: str, measured: Mapping[str, float]) -> tuple[float, float] | None:
    low, high = measured.get(f"{name}_low"), measured.get(f"{name}_high")
    return None if low is None or high is None else (low, high)


if __name__ == "__main__":
    sys.exit(main())
