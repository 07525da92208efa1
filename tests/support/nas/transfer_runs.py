"""Small runs of `transfer_cells`: what every stage needs, made quickly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.nas.detection.config import BoxesConfig, DetectorConfig, DetectorTrainingConfig
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.stages.choose import choose_cells
from tasks.nas.stages.prepare_transfer import prepare_transfer
from tasks.nas.training.config import TrainingConfig
from tasks.nas.transfer.config import (
    ChooseConfig,
    DetectConfig,
    PrepareTransferConfig,
    SizeConfig,
    TransferConfig,
)
from tasks.nas.types import Genotype, Operation
from tests.support.nas.genotypes import chain
from tests.support.nas.image_sets import coloured, write_packed

# Few blocks, soon scaled, trained and traced, with all that a trace must follow: a stride, a pool,
# a state passed on. A file of them is called `cells`.
FEW_BLOCKS = Genotype(
    chain(Operation.SEP_CONV_3X3, Operation.AVG_POOL_3X3), chain(Operation.SEP_CONV_5X5)
)
LEFT_OUT = SizeConfig(0, 1)
QUICK = TrainingConfig(num_epochs=1, batch_size=45, learning_rate=0.05)
TRANSFER = TransferConfig(
    small=SizeConfig(200_000, 1),
    medium=LEFT_OUT,
    large=SizeConfig(500_000, 1),
    stem="cifar",
    num_seeds=2,
    recipe=QUICK,
    cifar_num_images=60,
    cifar_recipe=QUICK,
)
DETECT = DetectConfig(
    stem="cifar",
    mult_adds=1_000_000,
    num_cells=1,
    num_seeds=2,
    detector=DetectorConfig(
        finest_stride=2, num_levels=2, neck_channels=8, head_units=16, num_proposals=20
    ),
    recipe=DetectorTrainingConfig(num_steps=4, batch_size=2, num_evaluations=2),
)


@dataclass(frozen=True)
class TransferRun:
    """The results of the first three stages, and what they were run with."""

    local: LocalRun
    cells: ArtifactRef
    data: ArtifactRef
    networks: ArtifactRef


def packed_set(folder: Path, side_px: int, num_train: int = 120) -> Path:
    """A set of three colours as packed JPEGs."""
    write_packed(folder, "train", coloured(num_train, side_px))
    write_packed(folder, "test", coloured(30, side_px, seed=1), num_shards=1)
    return folder


def prepare_config(folder: Path, **changed: object) -> PrepareTransferConfig:
    """Settings over two small sets in a folder, and a few scenes."""
    values: dict[str, object] = {
        "data": str(packed_set(folder / "larger", 16)),
        "num_validation": 30,
        "cifar": str(packed_set(folder / "small", 8)),
        "num_cifar_validation": 30,
        "boxes": BoxesConfig(side_px=32, num_train=8, num_test=6),
    }
    return PrepareTransferConfig(**(values | changed))  # type: ignore[arg-type]


def begun(local: LocalRun, folder: Path, **changed: object) -> tuple[ArtifactRef, ArtifactRef]:
    """The results of the first two stages, for cells of few blocks."""
    path = folder / "few_blocks.json"
    path.write_text(genotype_json(FEW_BLOCKS))
    cells = local.run(choose_cells, config=ChooseConfig(genotype=str(path)))
    return cells, local.run(prepare_transfer, config=prepare_config(folder, **changed))
