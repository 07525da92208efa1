"""Settings of the `search_cells` pipeline: the science, not the machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import MAX_WHOLE, SETTINGS, setting
from tasks.intake.skips import MAX_SKIPPED_FRACTION
from tasks.nas.training.config import TrainingConfig


@dataclass(frozen=True, config=SETTINGS)
class PrepareConfig:
    """The images that networks are trained on."""

    data: str = setting(
        "",
        param="data",
        path="read",
        stores=True,
        help="Folder, or s3://…: CIFAR's unpacked archive, packed JPEGs, or images in a folder for "
        "each class; empty: CIFAR is fetched.",
    )
    data_set: Literal["cifar10", "cifar100"] = setting("cifar10", help="Which CIFAR.")
    side_px: int = setting(
        0, ge=0, le=1024, unit="px", help="Size that images are brought to; 0 keeps theirs."
    )
    num_validation: int = setting(
        5000,
        ge=1,
        le=1_000_000,
        label="Validation images",
        help="Training images that are set aside for choosing.",
    )
    max_skipped_fraction: float = setting(
        MAX_SKIPPED_FRACTION,
        ge=0,
        le=1,
        help="Share of a split's images that may be unusable before it fails; above 0, one may be.",
    )


@dataclass(frozen=True, config=SETTINGS)
class SearchConfig:
    """Which cells are looked for, how, and at what cost."""

    strategy: Literal["ppo", "evolution", "predictor", "random"] = setting(
        "ppo", param="strategy", help="What proposes the next child."
    )
    num_children: int = setting(
        100, ge=1, le=1_000_000, param="budget", help="Children that each search trains."
    )
    num_searches: int = setting(1, ge=1, le=100, help="Searches with seeds of their own.")
    first_seed: int = setting(
        0, ge=0, le=MAX_WHOLE // 2, help="Seed of the first search; the others count on."
    )
    num_control: int = setting(
        40,
        ge=1,
        le=1_000_000,
        label="Random children",
        help="Random children that every report compares with.",
    )
    proxy: Literal["tiny", "8px", "16px", "32px"] = setting(
        "8px",
        param="proxy",
        help="What is spent on a child: images of 8, 16 or 32 px; tiny only tries the machinery.",
    )
    num_rungs: int = setting(
        2, ge=1, le=3, help="Rungs of growing cost; the best part of a rung goes on to the next."
    )
    eta: int = setting(
        3,
        ge=2,
        le=10,
        label="One child in so many goes on",
        help="One child of so many goes on to the next rung.",
    )
    num_blocks: int = setting(5, ge=1, le=10, help="Blocks of a cell.")
    combiners: Literal["add", "choice"] = setting(
        "add", help="Blocks only add, or choose between adding and concatenating."
    )
    screen: bool = setting(
        False,
        label="Screen by zero-cost proxies",
        help="Let zero-cost proxies choose among proposals, each once it has earned it on trained "
        "children of this search; not with ppo, so name another strategy.",
    )
    num_workers: int = setting(
        0, ge=0, le=100_000, param="workers", help="Children at a time; 0: all that fit."
    )
    replicate: int = setting(
        0,
        ge=0,
        le=MAX_WHOLE,
        label="Number of the initial weights",
        help="Initial weights of the children; another number trains them all anew.",
    )
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of children that may fail before the stage fails."
    )
    learning_rate: float = setting(0.15, gt=0, le=10, help="Peak learning rate of a child.")
    batch_size: int = setting(128, ge=2, le=8192, help="Images of a child's step.")


@dataclass(frozen=True, config=SETTINGS)
class RetrainConfig:
    """Longer trainings: the best cells against random ones, then the winner against others."""

    num_top: int = setting(5, ge=1, le=1000, label="Best cells", help="Best cells of each search.")
    num_random: int = setting(
        20, ge=2, le=1000, label="Random cells", help="Random cells, the first of the control."
    )
    image_px: int = setting(
        16, ge=4, le=1024, unit="px", label="Image side", help="Side that images are brought to."
    )
    mult_adds: int = setting(
        1_500_000,
        ge=10_000,
        le=100_000_000_000,
        label="Multiply-adds",
        help="Multiply-adds that all are scaled to.",
    )
    num_images: int = setting(15_000, ge=0, le=1_000_000_000, help="Training images; 0 for all.")
    recipe: TrainingConfig = Field(default_factory=lambda: TrainingConfig(learning_rate=0.15))
    final_image_px: int = setting(
        16,
        ge=4,
        le=1024,
        unit="px",
        label="Image side in the final comparison",
        help="Side of the images in the final comparison.",
    )
    final_mult_adds: int = setting(
        3_000_000,
        ge=10_000,
        le=100_000_000_000,
        label="Multiply-adds in the final comparison",
        help="Multiply-adds in the final comparison.",
    )
    final_num_images: int = setting(
        15_000,
        ge=0,
        le=1_000_000_000,
        label="Images in the final comparison",
        help="Its training images; 0 for all.",
    )
    final_num_seeds: int = setting(
        3, ge=0, le=100, label="Seeds in the final comparison", help="Its seeds; 0 leaves it out."
    )
    final_recipe: TrainingConfig = Field(
        default_factory=lambda: TrainingConfig(num_epochs=4, learning_rate=0.15, crop_px=2)
    )
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of trainings that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class ReportConfig:
    """Where copies of the report go."""

    export_to: str = setting(
        "",
        path="write",
        stores=True,
        help="Folder, or s3://…, that receives genotype, page, plots and tables; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class SearchCellsConfig:
    """All settings of `search_cells`, one section per stage."""

    seed: int = setting(0, ge=0, le=MAX_WHOLE, help="Root seed of all random draws.")
    prepare: PrepareConfig = Field(default_factory=PrepareConfig)
    search: SearchConfig = Field(default_factory=SearchConfig)
    retrain: RetrainConfig = Field(default_factory=RetrainConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
