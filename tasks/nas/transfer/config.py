"""Settings of the `transfer_cells` pipeline: the science, not the machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import MAX_WHOLE, SETTINGS, setting
from tasks.intake.skips import MAX_SKIPPED_FRACTION
from tasks.nas.detection.config import BoxesConfig, DetectorConfig, DetectorTrainingConfig
from tasks.nas.training.config import TrainingConfig

SizeName = Literal["small", "medium", "large"]
SIZES: tuple[SizeName, ...] = ("small", "medium", "large")


@dataclass(frozen=True, config=SETTINGS)
class ChooseConfig:
    """Which cells are taken to larger images."""

    genotype: str = setting(
        "nasnet_a",
        param="genotype",
        path="read or name",
        stores=True,
        help="Name of published cells (nasnet_a, amoebanet_a, darts_v2, …), path of a file (or "
        "s3://…): a genotype's JSON, or FILE.py[:NAME] or a log in DARTS' notation; or id of the "
        "MLflow run that found the cells.",
    )


@dataclass(frozen=True, config=SETTINGS)
class PrepareTransferConfig:
    """The images that networks are transferred to."""

    data: str = setting(
        "",
        param="data",
        path="read",
        needed=True,
        stores=True,
        help="Folder, or s3://…: packed JPEGs, or train and val with a folder for each class.",
    )
    side_px: int = setting(
        0, ge=0, le=1024, unit="px", help="Size that images are brought to; 0 keeps theirs."
    )
    num_validation: int = setting(
        1000,
        ge=1,
        le=1_000_000,
        label="Validation images",
        help="Training images that are set aside for choosing.",
    )
    from_cifar: bool = setting(
        True,
        param="from_cifar",
        label="From CIFAR",
        help="Train on CIFAR first, for weights to begin with.",
    )
    cifar: str = setting(
        "",
        param="cifar",
        path="read",
        label="CIFAR",
        stores=True,
        help="Folder, or s3://…, with CIFAR or packed JPEGs of it; empty: it is fetched.",
    )
    num_cifar_validation: int = setting(
        1000,
        ge=1,
        le=50_000,
        label="CIFAR validation images",
        help="Its images that are set aside for the curve.",
    )
    max_skipped_fraction: float = setting(
        MAX_SKIPPED_FRACTION,
        ge=0,
        le=1,
        help="Share of a split's images that may be unusable before it fails; above 0, one may be.",
    )
    boxes: BoxesConfig = Field(default_factory=BoxesConfig)
    timm: str = setting(
        "",
        path="read",
        label="Weights of timm",
        stores=True,
        help="State dict (torch.save) of timm's nasnetalarge or resnet18 to resnet152, for "
        "detect.weights = timm; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class SizeConfig:
    """One network of the family."""

    mult_adds: int = setting(
        0,
        ge=0,
        le=1_000_000_000_000,
        label="Multiply-adds",
        help="Multiply-adds of an image; 0 leaves the size out.",
    )
    num_cells: int = setting(1, ge=1, le=100, help="N, normal cells of a stage.")


@dataclass(frozen=True, config=SETTINGS)
class TransferConfig:
    """Classification of larger images by a family of three sizes, beside hand-made networks."""

    image_px: int = setting(
        0,
        ge=0,
        le=1024,
        unit="px",
        label="Image side",
        help="Side of the images; 0: as they were prepared.",
    )
    stem: Literal["cifar", "imagenet"] = setting(
        "imagenet",
        help="cifar keeps the resolution at first, as images of 32 px need; imagenet divides it by "
        "eight, which leaves cells of the same cost many more filters.",
    )
    small: SizeConfig = Field(default_factory=lambda: SizeConfig(4_000_000, 2))
    medium: SizeConfig = Field(default_factory=lambda: SizeConfig(10_000_000, 2))
    large: SizeConfig = Field(default_factory=lambda: SizeConfig(25_000_000, 2))
    num_images: int = setting(0, ge=0, le=1_000_000_000, help="Training images; 0 for all.")
    num_seeds: int = setting(3, ge=1, le=100, help="Trainings of each network.")
    recipe: TrainingConfig = Field(
        default_factory=lambda: TrainingConfig(num_epochs=5, batch_size=64, crop_px=4)
    )
    cifar_num_images: int = setting(
        10_000,
        ge=0,
        le=1_000_000_000,
        label="CIFAR images",
        help="CIFAR's training images; 0 for all.",
    )
    cifar_recipe: TrainingConfig = Field(
        default_factory=lambda: TrainingConfig(num_epochs=3, crop_px=2)
    )
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of trainings that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class DetectConfig:
    """Detection with the cells as a backbone, beside hand-made backbones."""

    weights: Literal["none", "small", "medium", "large", "timm"] = setting(
        "none",
        help="Backbone of this size of the family, with its weights; none: one of its own cost, "
        "with weights that are drawn; timm: that of prepare_transfer.timm alone, whose weights "
        "stay as they are.",
    )
    stem: Literal["cifar", "imagenet"] = setting(
        "imagenet", help="Stem of a backbone of its own cost."
    )
    mult_adds: int = setting(
        25_000_000,
        ge=10_000,
        le=1_000_000_000_000,
        label="Multiply-adds",
        help="Multiply-adds of a backbone of its own cost, for one image with boxes.",
    )
    num_cells: int = setting(2, ge=1, le=100, help="Its N, normal cells of a stage.")
    num_seeds: int = setting(3, ge=1, le=100, help="Trainings of each detector.")
    detector: DetectorConfig = Field(default_factory=DetectorConfig)
    recipe: DetectorTrainingConfig = Field(default_factory=DetectorTrainingConfig)
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of trainings that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class RegisterConfig:
    """Where winning models go."""

    models: str = setting(
        "transfer_cells",
        pattern=r"^[A-Za-z0-9_.-]*$",
        help="Registered models are called so, with the data set behind; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class CompareConfig:
    """Where copies of the report go."""

    export_to: str = setting(
        "",
        path="write",
        stores=True,
        help="Folder, or s3://…, that receives page, plots and tables; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class TransferCellsConfig:
    """All settings of `transfer_cells`, one section per stage."""

    seed: int = setting(0, ge=0, le=MAX_WHOLE, help="Root seed of all random draws.")
    choose: ChooseConfig = Field(default_factory=ChooseConfig)
    prepare_transfer: PrepareTransferConfig = Field(default_factory=PrepareTransferConfig)
    transfer: TransferConfig = Field(default_factory=TransferConfig)
    detect: DetectConfig = Field(default_factory=DetectConfig)
    register: RegisterConfig = Field(default_factory=RegisterConfig)
    compare: CompareConfig = Field(default_factory=CompareConfig)
