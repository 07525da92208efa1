"""Settings of the `train_graspgan` pipeline: the science, not the machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import MAX_WHOLE, SETTINGS, setting
from tasks.graspgan.manifests import MethodSet, NetworkName
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig, GeneratorConfig
from tasks.intake.skips import MAX_SKIPPED_FRACTION
from tasks.learning.arithmetic import ArithmeticConfig


@dataclass(frozen=True, config=SETTINGS)
class CollectConfig:
    """Attempts to learn from: data sets of `collect_grasps`, or collected here as it does."""

    simulation: str = setting(
        "",
        param="simulation",
        path="read",
        stores=True,
        help="Folder, or s3://…, of published data sets of the world bullet, with G-buffers, of "
        "the splits train, validation and held_out; empty: they are collected here.",
    )
    real: str = setting(
        "",
        param="real",
        path="read",
        stores=True,
        help="The same of the target: another world, or attempts of a robot in the same schema.",
    )
    targets: Literal["both", "bullet-structured", "surrogate"] = setting(
        "both",
        param="targets",
        help="What stands in for a robot where attempts are collected here. bullet-structured: "
        "only looks differ. surrogate: everything does.",
    )
    num_train: int = setting(
        6000, ge=24, le=100_000_000, param="num_train", label="Attempts to train on",
        help="Attempts to train on, of each world.",
    )  # fmt: skip
    num_validation: int = setting(
        600, ge=12, le=10_000_000, label="Attempts to choose by", help="Attempts to choose by."
    )
    num_test: int = setting(
        3000, ge=12, le=10_000_000, label="Attempts to test on",
        help="Attempts with held-out objects to test on.",
    )  # fmt: skip
    objects: Literal["procedural", "everyday"] = setting(
        "procedural",
        help="Family of the simulation's objects, where attempts are collected here.",
    )
    target_objects: Literal["procedural", "everyday"] = setting(
        "procedural", help="Family of the targets' objects, alike."
    )
    dynamics: bool = setting(
        False,
        help="Simulation with masses, frictions, restitution and damping drawn anew for each "
        "scene, as collect_grasps draws them (randomise.dynamics).",
    )
    attempts_per_scene: int = setting(12, ge=1, le=200, help="Attempts of a scene.")
    size_px: int = setting(128, ge=64, le=512, unit="px", help="Side of the pictures.")
    view_deg: float = setting(24.0, ge=5, le=120, unit="deg", help="Field of view.")
    uniform_share: float = setting(
        0.3, ge=0.05, le=1, help="Part of the attempts that is drawn uniformly over the bin."
    )
    spread_m: float = setting(
        0.025, gt=0, le=0.2, unit="m", help="Standard deviation of the others about an object."
    )
    textures: str = setting(
        "",
        path="read",
        stores=True,
        help="Folder, or s3://…, of photographs that the structured look is painted with; empty: "
        "generated ones.",
    )
    max_skipped_fraction: float = setting(
        MAX_SKIPPED_FRACTION, ge=0, le=1, help="Share of scenes that may fail before it fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class PrepareConfig:
    """What networks see of the attempts."""

    network: NetworkName = setting(
        "crop",
        help="crop: a small network on the surroundings of a grasp. picture: the paper's, on whole "
        "pictures and the command.",
    )
    side_px: int = setting(
        32, ge=16, le=472, multiple_of=8, unit="px",
        help="Side of the crops about a grasp, or of the whole pictures.",
    )  # fmt: skip
    pictures: Literal["before", "both"] = setting(
        "before", help="before: the picture without the arm. both: the one with it, too."
    )
    num_looks: int = setting(
        4, ge=1, le=64, label="Looks", help="Looks of each kind that are painted over simulation."
    )


@dataclass(frozen=True, config=SETTINGS)
class PretrainConfig:
    """C on simulation, which all other trainings begin with; and for which methods."""

    methods: MethodSet = setting(
        "headline",
        param="methods",
        help="few: a table that is quick to make. headline: what the claims need. all: each "
        "switch, one seed where it is no headline. What no method of these needs is not trained.",
    )
    num_seeds: int = setting(3, ge=1, le=100, param="num_seeds", help="Trainings of each method.")
    arithmetic: ArithmeticConfig = Field(default_factory=ArithmeticConfig)
    plain: DescentConfig = Field(default_factory=DescentConfig)
    randomised: DescentConfig = Field(
        default_factory=lambda: DescentConfig(num_steps=3000, learning_rate=3e-3)
    )


@dataclass(frozen=True, config=SETTINGS)
class AdaptConfig:
    """Generators: from plain simulation, as in the paper, and from the target's own textures."""

    arithmetic: ArithmeticConfig = Field(default_factory=ArithmeticConfig)
    from_plain: GeneratorConfig = Field(default_factory=GeneratorConfig)
    from_cut: GeneratorConfig = Field(
        default_factory=lambda: GeneratorConfig(
            map_weight=0.5, pairwise_weight=0.0, feature_weight=0.0
        )
    )
    num_looks: int = setting(
        4,
        ge=1,
        le=64,
        label="Adapted looks",
        help="How often each sample is adapted; as often as it is painted, to compare alike.",
    )
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of trainings that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class TrainConfig:
    """The methods that are compared; each goes on from C as it came from simulation."""

    descent: DescentConfig = Field(
        default_factory=lambda: DescentConfig(num_steps=2100, learning_rate=3e-3)
    )
    arithmetic: ArithmeticConfig = Field(default_factory=ArithmeticConfig)
    adversary: AdversaryConfig = Field(default_factory=AdversaryConfig)
    max_failed_fraction: float = setting(
        0.2, ge=0, le=1, help="Share of trainings that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class EvaluateConfig:
    """The test split, which is opened once, here."""

    num_grasps: int = setting(
        600, ge=0, le=1_000_000, param="num_grasps", label="Grasps in closed loop",
        help="Grasps that each of four methods tries in the target world, dealt out scene by scene "
        "over its trainings; 0 for none.",
    )  # fmt: skip
    num_candidates: int = setting(
        64, ge=4, le=4096, help="Commands that are scored in each round of the search."
    )


@dataclass(frozen=True, config=SETTINGS)
class ReportConfig:
    """Where copies of the report go."""

    export_to: str = setting(
        "",
        path="write",
        stores=True,
        help="Folder, or s3://…, that receives page, plots and tables; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class RegisterConfig:
    """Where the best adaptation of each target goes."""

    model: str = setting(
        "grasp_success",
        pattern=r"^[A-Za-z0-9_.-]*$",
        help="Registered model is called so, with the target's world behind; empty for none.",
    )


@dataclass(frozen=True, config=SETTINGS)
class TrainGraspganConfig:
    """All settings of `train_graspgan`, one section per stage."""

    seed: int = setting(0, ge=0, le=MAX_WHOLE, help="Root seed of all random draws.")
    collect: CollectConfig = Field(default_factory=CollectConfig)
    prepare: PrepareConfig = Field(default_factory=PrepareConfig)
    pretrain: PretrainConfig = Field(default_factory=PretrainConfig)
    adapt: AdaptConfig = Field(default_factory=AdaptConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    register: RegisterConfig = Field(default_factory=RegisterConfig)
